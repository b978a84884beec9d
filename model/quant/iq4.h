// The sixteen levels that IQ4_NL and IQ4_XS choose from.
#pragma once

namespace hearth::model::blocks {

inline constexpr float kIq4Levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                         1,    13,   25,  38,  53,  69,  89,  113};

}  // namespace hearth::model::blocks
