// Wakeup: lets other threads wake a coroutine that waits.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>

namespace hearth::http {

// Belongs to one coroutine; wakers may be called from any thread, also after it is gone.
class Wakeup {
 public:
  explicit Wakeup(boost::asio::any_io_executor executor)
      : state_(std::make_shared<State>(std::move(executor))) {}

  std::function<void()> waker() const {
    return [weak = std::weak_ptr<State>(state_), executor = state_->timer.get_executor()] {
      boost::asio::post(executor, [weak] {
        if (const auto state = weak.lock()) state->Wake();
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
  std::shared_ptr<State> state_;
};

}  // namespace hearth::http
