// Wakeup: lets other threads wake a coroutine that waits.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>

namespace hearth::http {

// Shut when the context of a Wakeup ends: from then on nothing is posted to it.
class WakeGate {
 public:
  static std::shared_ptr<WakeGate> Of(const boost::asio::any_io_executor& executor) {
    auto& context = boost::asio::query(executor, boost::asio::execution::context);
    return boost::asio::use_service<Service>(context).gate;
  }
  template <typename Post>
  void Pass(Post post) {
    const std::lock_guard lock(mutex_);
    if (open_) post();
  }

 private:
  // The context tells its services first that it ends.
  struct Service : boost::asio::execution_context::service {
    using key_type = Service;
    static inline boost::asio::execution_context::id id;
    explicit Service(boost::asio::execution_context& context) : service(context) {}
    void shutdown() override {
      const std::lock_guard lock(gate->mutex_);
      gate->open_ = false;
    }
    const std::shared_ptr<WakeGate> gate = std::make_shared<WakeGate>();
  };

  std::mutex mutex_;
  bool open_ = true;
};

// Belongs to one coroutine; wakers may be called from any thread, also after it and its context are
// gone.
class Wakeup {
 public:
  explicit Wakeup(boost::asio::any_io_executor executor)
      : gate_(WakeGate::Of(executor)), state_(std::make_shared<State>(std::move(executor))) {}

  std::function<void()> waker() const {
    return [gate = gate_, weak = std::weak_ptr<State>(state_)] {
      // What a coroutine that is gone waited with was destroyed beside its context: the gate holds
      // the context's end up meanwhile.
      gate->Pass([&] {
        if (const auto state = weak.lock()) {
          boost::asio::post(state->timer.get_executor(), [weak] {
            if (const auto woken = weak.lock()) woken->Wake();
          });
        }
      });
    };
  }

  // Returns when a waker was called since the last Wait, or after `most`. Throws where the
  // coroutine was cancelled.
  boost::asio::awaitable<void> Wait(std::chrono::steady_clock::duration most) {
    if (!state_->woken) {
      state_->timer.expires_after(most);
      boost::system::error_code error;
      co_await state_->timer.async_wait(
          boost::asio::redirect_error(boost::asio::use_awaitable, error));
      const auto cancelled = co_await boost::asio::this_coro::cancellation_state;
      if (cancelled.cancelled() != boost::asio::cancellation_type::none) {
        throw boost::system::system_error(boost::asio::error::operation_aborted);
      }
    }
    state_->woken = false;
  }

 private:
  struct State {
    explicit State(boost::asio::any_io_executor executor) : timer(std::move(executor)) {}
    void Wake() {
      woken = true;
      timer.cancel();
    }
    boost::asio::steady_timer timer;
    bool woken = false;
  };
  std::shared_ptr<WakeGate> gate_;
  std::shared_ptr<State> state_;
};

}  // namespace hearth::http
