// Overloaded: one visitor of a variant out of several lambdas.
#pragma once

namespace hearth::serving {

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

}  // namespace hearth::serving
