#include "model/tokenizer/spm/model_proto.h"

#include <catch2/catch.hpp>

namespace hearth::model {
namespace {

TEST_CASE("the wire form of a vocabulary") {
  const std::vector<Piece> pieces = {{"<unk>", 0, TokenKind::kUnknown},
                                     {"a", -1.0f, TokenKind::kNormal}};
  const std::string expected = std::string(
                                   "\x0a\x0e"
                                   "\x0a\x05<unk>"
                                   "\x15\0\0\0\0"
                                   "\x18\x02",
                                   16) +
                               std::string(
                                   "\x0a\x0a"
                                   "\x0a\x01"
                                   "a"
                                   "\x15\0\0\x80\xbf"
                                   "\x18\x01",
                                   12) +
                               std::string(
                                   "\x12\x05"
                                   "\x18\x02"
                                   "\x98\x02\0",
                                   7) +
                               std::string(
                                   "\x1a\x10"
                                   "\x0a\x08identity"
                                   "\x18\0\x20\0\x28\0",
                                   18);
  CHECK(WriteModelProto(pieces) == expected);
}

}  // namespace
}  // namespace hearth::model
