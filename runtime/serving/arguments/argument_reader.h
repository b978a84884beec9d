// ArgumentReader: turns the arguments of a call, in any family's writing, into the text of a JSON
// object while they stream. One call, one thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "runtime/serving/chat_format.h"

namespace hearth::serving {

// Names of arguments without quotes: how long the readers take them, and what literals' must not
// hold.
inline constexpr size_t kLongestKey = 512;
inline constexpr std::string_view kNotInLiteralKey = "()[]{},\"'";

class ArgumentReader {
 public:
  enum class Outcome : uint8_t {
    kMore,    // all that could be understood is taken from the buffer
    kDone,    // the arguments are complete; the rest of the buffer follows them
    kBroken,  // what comes next is no argument
  };
  virtual ~ArgumentReader() = default;
  // Takes bytes from the buffer's front and appends JSON to `out`, which is never taken back.
  virtual Outcome Read(std::string& buffer, std::string& out) = 0;
};

// `parameters`: the tool's schema, which outlives the reader; may be null. `closing`: what follows
// the arguments.
std::unique_ptr<ArgumentReader> MakeArgumentReader(const ChatFormat& format, const Json* parameters,
                                                   std::string_view closing);

// The three behind it (json_reader, tagged_reader, literal_reader).
std::unique_ptr<ArgumentReader> MakeJsonReader();
std::unique_ptr<ArgumentReader> MakeTaggedReader(const ChatFormat& format, const Json* parameters,
                                                 std::string_view closing);
std::unique_ptr<ArgumentReader> MakeLiteralReader(const ChatFormat& format);

}  // namespace hearth::serving
