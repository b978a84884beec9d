#include <algorithm>

#include "grammars/schema/schema_compiler.h"

namespace hearth::grammar {

namespace {
constexpr size_t kMaxUniqueValues = 64;  // one bit each in the state

Conjunction ItemAt(const Facts& facts, size_t index) {
  Conjunction item;
  for (const ArrayGroup& g : facts.array_groups) {
    if (g.prefix != nullptr && index < g.prefix->size()) {
      item.push_back({&(*g.prefix)[index], g.resource});
    } else if (g.rest != nullptr) {
      item.push_back({g.rest, g.resource});
    }
  }
  return item;
}
}  // namespace

Status SchemaCompiler::LowerArray(const Facts& facts, std::vector<NodeIndex>& parts) {
  if (facts.min_items > facts.max_items) return {};
  ArraySpec spec;
  spec.min = facts.min_items;
  spec.max = facts.max_items == UINT32_MAX ? kNoLimit : facts.max_items;
  size_t prefix = 0;
  for (const ArrayGroup& g : facts.array_groups) {
    if (g.prefix != nullptr) prefix = std::max(prefix, g.prefix->size());
  }
  const auto is_false = [](const Conjunction& c) {
    return std::any_of(c.begin(), c.end(), [](const Term& t) { return IsFalse(*t.schema); });
  };
  bool closed = false;
  for (size_t i = 0; i < prefix && !closed; ++i) {
    const Conjunction item = Normalized(ItemAt(facts, i));
    closed = is_false(item);
    if (!closed) spec.prefix.push_back(NodeFor(item));
  }
  const Conjunction rest = Normalized(ItemAt(facts, SIZE_MAX));
  const bool more = !closed && !is_false(rest);
  if (more) spec.item = NodeFor(rest);

  if (!facts.contains.empty()) {
    const Contains& contains = facts.contains[0];
    if (facts.contains.size() > 1 || !spec.prefix.empty()) {
      return MakeError(ErrorCode::kUnsupported,
                       "unsupported: contains beside another contains or prefixItems at ",
                       PointerTo(contains.term.schema));
    }
    Conjunction counted = rest;
    counted.push_back(contains.term);
    spec.min_contains = contains.min;
    spec.max_contains = contains.max == UINT32_MAX ? kNoLimit : contains.max;
    if (contains.min > contains.max || (!more && contains.min > 0)) return {};
    if (more) {
      spec.containing = NodeFor(Normalized(std::move(counted)));
      if (spec.max_contains != kNoLimit) {
        HEARTH_TRY(const Json* other, Negate(contains.term, 0));
        Conjunction others = rest;
        others.push_back({other, contains.term.resource});
        spec.not_containing = NodeFor(Normalized(std::move(others)));
      }
    }
  }
  const uint32_t most =
      std::min(spec.max, more ? kNoLimit : static_cast<uint32_t>(spec.prefix.size()));
  if (facts.unique && most > 1) {
    if (!spec.prefix.empty() || spec.containing != kNoNode) {
      return MakeError(ErrorCode::kUnsupported,
                       "unsupported: uniqueItems beside prefixItems or contains");
    }
    HEARTH_CHECK_OK(LowerUnique(facts, rest, spec));
  }
  program_->arrays.push_back(std::move(spec));
  program_->nodes.push_back(
      {.kind = NodeKind::kArray, .a = static_cast<uint32_t>(program_->arrays.size() - 1)});
  parts.push_back(static_cast<NodeIndex>(program_->nodes.size() - 1));
  return {};
}

// uniqueItems over a finite set of scalars: each value is an alternative that can be used once.
Status SchemaCompiler::LowerUnique(const Facts&, const Conjunction& item, ArraySpec& spec) {
  const auto refuse = [&](const char* why) {
    return MakeError(ErrorCode::kUnsupported, "unsupported: uniqueItems over ", why,
                     item.empty() ? "" : " at " + PointerTo(item[0].schema));
  };
  HEARTH_TRY(const std::vector<Facts> ways, Expand(item));
  std::vector<Json> values;
  const auto add = [&](const Json& value) {
    if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
  };
  for (const Facts& facts : ways) {
    if (facts.literals) {
      for (const Json* value : *facts.literals) {
        HEARTH_TRY(const bool fits, ValueFits(*value, facts));
        if (!fits) continue;
        if (value->is_structured()) return refuse("arrays or objects");
        add(*value);
      }
      continue;
    }
    if (facts.types & ~(kNullType | kBooleanType))
      return refuse("values that are not listed by an enum");
    if (facts.types & kNullType) add(nullptr);
    if (facts.types & kBooleanType) {
      add(true);
      add(false);
    }
  }
  if (values.size() > kMaxUniqueValues) return refuse("more than 64 values");
  for (Json& value : values) {
    const Json* owned = Own({{"const", std::move(value)}});
    spec.unique.push_back(NodeFor({{owned, owned}}));
  }
  if (values.empty()) spec.max = 0;
  return {};
}

}  // namespace hearth::grammar
