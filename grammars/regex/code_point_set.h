// CodePointSet: a set of Unicode scalar values as sorted, disjoint, inclusive ranges.
#pragma once

#include <cstdint>
#include <vector>

namespace hearth::grammar {

using CodePoint = uint32_t;
inline constexpr CodePoint kMaxCodePoint = 0x10ffff;
inline constexpr CodePoint kFirstSurrogate = 0xd800;
inline constexpr CodePoint kLastSurrogate = 0xdfff;

class CodePointSet {
 public:
  struct Range {
    CodePoint low, high;
    bool operator==(const Range&) const = default;
  };

  CodePointSet() = default;
  CodePointSet(CodePoint low, CodePoint high) { Add(low, high); }
  static CodePointSet Everything();

  void Add(CodePoint low, CodePoint high);
  void Add(const CodePointSet& other);
  // Scalar values that are not in this set; surrogates are no scalar values.
  CodePointSet Complement() const;
  CodePointSet Intersect(const CodePointSet& other) const;

  bool Contains(CodePoint c) const;
  bool empty() const { return ranges_.empty(); }
  const std::vector<Range>& ranges() const { return ranges_; }
  bool operator==(const CodePointSet&) const = default;

 private:
  std::vector<Range> ranges_;
};

}  // namespace hearth::grammar
