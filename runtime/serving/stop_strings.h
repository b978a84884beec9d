// StopStrings: ends a text before the first of some strings, while it streams.
//
// Every way to cut the text gives the same result: bytes that may begin a stop string wait.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hearth::serving {

class StopStrings {
 public:
  // Empty ones are ignored.
  explicit StopStrings(std::vector<std::string> strings);
  // What may be shown after these bytes.
  std::string Push(std::string_view bytes);
  // What still waits; the text is over.
  std::string Flush();
  bool stopped() const { return stopped_; }

 private:
  std::vector<std::string> strings_;
  std::string held_;
  bool stopped_ = false;
};

}  // namespace hearth::serving
