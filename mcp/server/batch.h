// BatchChannel: gathers the answers to a JSON-RPC batch (revision 2025-03-26) into one array.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "mcp/channel.h"

namespace hearth::mcp {

class BatchChannel : public Channel {
 public:
  // `count` answers (some may be empty) make the batch complete.
  BatchChannel(std::shared_ptr<Channel> channel, size_t count)
      : channel_(std::move(channel)), left_(count) {}

  void Send(std::string_view message) override { channel_->Send(message); }
  void Finish(std::string_view answer) override {
    const std::lock_guard lock(mutex_);
    if (!answer.empty()) {
      answers_ += answers_.empty() ? '[' : ',';
      answers_ += answer;
    }
    if (--left_ != 0) return;
    if (!answers_.empty()) answers_ += ']';
    channel_->Finish(answers_);
  }
  void Pause() override { channel_->Pause(); }

 private:
  const std::shared_ptr<Channel> channel_;
  std::mutex mutex_;
  size_t left_;
  std::string answers_;
};

}  // namespace hearth::mcp
