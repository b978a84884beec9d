// Weight formats of the CPU kernels: how 16 rows of a quantized matrix lie in a panel, and how a
// block of 32 columns of them is multiplied. Part of kernels_impl.h.
//
// A file's block (of 32 or 256 columns) becomes one panel block. Inside it each 32 columns are 8
// groups of 4: group g holds columns 4g .. 4g + 3, a byte vector has the same group of all 16 rows.
// Formats with a scale for each 16 columns have two **halves** (groups 0-3 and 4-7), others one.
//
// A format says:
//   kColumns      columns of a block, in the file and in the panel
//   kFileBytes    bytes of a row's block in the file
//   kPanelBytes   bytes of a panel block
//   kHalves       1 or 2
//   kOffset       what was added to each stored weight to make it unsigned (sums of activations
//   take
//                 it off again)
//   kHasMin       a minimum is added to each weight
//   kPacked       weights are not bytes: Loosen makes them so
//   Pack(file, row, panel)       one row's block into the panel block
//   Unpack(panel, row, out)      and back into floats
//   Dot<kPanels, kTile>(panels, b, x, dots)
//                                dots[(half * kPanels + p) * kTile + t] += columns 32b .. 32b + 31
//                                of panel p times the bytes at x[t]
//   Loosen(panel, b, out)        columns 32b .. 32b + 31 as 8 groups of bytes (up to 7 bits each)
//   Scale(panel, b, half)        of the 16 rows
//   Min(panel, b)                of the 16 rows, where there is one

constexpr size_t kGroupBytes = 64;  // one group of 4 columns of 16 rows

// The four bits of each weight: groups 0-3 in the low halves of 4 vectors, groups 4-7 in the high
// ones.
struct Nibbles {
  static constexpr size_t kBytes = 4 * kGroupBytes;

  static void Put(uint8_t* panel, size_t row, size_t column, unsigned value) {
    uint8_t& byte = panel[kGroupBytes * (column % 16 / 4) + 4 * row + column % 4];
    byte = static_cast<uint8_t>(byte | (value << (column < 16 ? 0 : 4)));
  }
  static unsigned Get(const uint8_t* panel, size_t row, size_t column) {
    const uint8_t byte = panel[kGroupBytes * (column % 16 / 4) + 4 * row + column % 4];
    return column < 16 ? byte & 15u : byte >> 4;
  }
};

// One more bit of each weight: 8 bytes for each group, bit 4 * row + column % 4.
struct BitPlane {
  static constexpr size_t kBytes = 64;

  static void Put(uint8_t* panel, size_t row, size_t column, unsigned bit) {
    const size_t at = 4 * row + column % 4;
    panel[8 * (column / 4) + at / 8] |= static_cast<uint8_t>(bit << (at % 8));
  }
  static unsigned Get(const uint8_t* panel, size_t row, size_t column) {
    const size_t at = 4 * row + column % 4;
    return panel[8 * (column / 4) + at / 8] >> (at % 8) & 1u;
  }
};

// Two more bits of each weight: byte i of vector v holds those of byte i of groups 4v .. 4v + 3.
struct BitPairs {
  static constexpr size_t kBytes = 2 * kGroupBytes;

  static void Put(uint8_t* panel, size_t row, size_t column, unsigned bits) {
    const size_t group = column / 4;
    uint8_t& byte = panel[kGroupBytes * (group / 4) + 4 * row + column % 4];
    byte = static_cast<uint8_t>(byte | bits << (2 * (group % 4)));
  }
  static unsigned Get(const uint8_t* panel, size_t row, size_t column) {
    const size_t group = column / 4;
    return panel[kGroupBytes * (group / 4) + 4 * row + column % 4] >> (2 * (group % 4)) & 3u;
  }
};

// What lies kMoreAt bytes behind the nibbles.
enum class More { kNothing, kBitPlane, kBitPairs };

// The groups kGroup and kGroup + 4.
template <More kMore, size_t kMoreAt, int kGroup>
HEARTH_INLINE void UnpackGroups(const uint8_t* nibbles, B& low, B& high) {
  const B both = LoadBytes(nibbles + kGroupBytes * kGroup);
  const uint8_t* more = nibbles + kMoreAt;
  low = LowNibbles(both);
  high = HighNibbles(both);
  if constexpr (kMore == More::kBitPlane) {
    low = AddWhere(low, more + 8 * kGroup, 16);
    high = AddWhere(high, more + 8 * (kGroup + 4), 16);
  }
  if constexpr (kMore == More::kBitPairs) {
    low = AddPair<kGroup>(low, LoadBytes(more));
    high = AddPair<kGroup>(high, LoadBytes(more + kGroupBytes));
  }
}

// Dots of the groups kGroup and kGroup + 4.
template <int kPanels, int kTile, int kHalves, More kMore, size_t kMoreAt, int kGroup>
HEARTH_INLINE void DotGroups(const uint8_t* const* nibbles, const int8_t* const* x, I* dots) {
  B low[kPanels];
  B high[kPanels];
  for (int p = 0; p < kPanels; ++p) {
    UnpackGroups<kMore, kMoreAt, kGroup>(nibbles[p], low[p], high[p]);
  }
  for (int t = 0; t < kTile; ++t) {
    const A first = Four(x[t] + 4 * kGroup);
    const A second = Four(x[t] + 16 + 4 * kGroup);
    for (int p = 0; p < kPanels; ++p) {
      I& dot = dots[p * kTile + t];
      dot = Dot7(dot, low[p], first);
      I& last = dots[((kHalves - 1) * kPanels + p) * kTile + t];
      last = Dot7(last, high[p], second);
    }
  }
}

// Weights of 4 bits and more: dots as a format's Dot.
template <int kPanels, int kTile, int kHalves, More kMore, size_t kMoreAt>
HEARTH_INLINE void DotBits(const uint8_t* const* nibbles, const int8_t* const* x, I* dots) {
  DotGroups<kPanels, kTile, kHalves, kMore, kMoreAt, 0>(nibbles, x, dots);
  DotGroups<kPanels, kTile, kHalves, kMore, kMoreAt, 1>(nibbles, x, dots);
  DotGroups<kPanels, kTile, kHalves, kMore, kMoreAt, 2>(nibbles, x, dots);
  DotGroups<kPanels, kTile, kHalves, kMore, kMoreAt, 3>(nibbles, x, dots);
}

template <More kMore, size_t kMoreAt, int kGroup = 0>
inline void LoosenBits(const uint8_t* nibbles, uint8_t* out) {
  B low, high;
  UnpackGroups<kMore, kMoreAt, kGroup>(nibbles, low, high);
  StoreBytes(out + kGroupBytes * kGroup, low);
  StoreBytes(out + kGroupBytes * (kGroup + 4), high);
  if constexpr (kGroup < 3) LoosenBits<kMore, kMoreAt, kGroup + 1>(nibbles, out);
}

inline void PutHalf(uint8_t* panel, size_t row, const uint8_t* half) {
  __builtin_memcpy(panel + 2 * row, half, 2);
}
inline float GetHalf(const uint8_t* panel, size_t row) {
  return HalfToFloat(LoadU16(panel + 2 * row));
}

// Q4_0, Q4_1, Q5_0, Q5_1. In the file: a scale, with kWithMin a minimum, with kFive 32 fifth bits,
// then 16 bytes of which byte j holds column j below and column j + 16 above. In a panel: nibbles,
// fifth bits, 16 scales, 16 minima.
template <bool kFive, bool kWithMin>
struct Small {
  static constexpr size_t kColumns = 32;
  static constexpr size_t kFileBits = kWithMin ? 4 : 2;
  static constexpr size_t kFileNibbles = kFileBits + (kFive ? 4 : 0);
  static constexpr size_t kFileBytes = kFileNibbles + 16;
  static constexpr size_t kBits = Nibbles::kBytes;
  static constexpr size_t kScales = kBits + (kFive ? BitPlane::kBytes : 0);
  static constexpr size_t kMins = kScales + 2 * kPanelRows;
  static constexpr size_t kPanelBytes = kFileBytes * kPanelRows;
  static constexpr int kHalves = 1;
  static constexpr More kMore = kFive ? More::kBitPlane : More::kNothing;
  static constexpr int kOffset = kWithMin ? 0 : kFive ? 16 : 8;
  static constexpr bool kHasMin = kWithMin;
  static constexpr bool kPacked = true;

  static void Pack(const uint8_t* file, size_t row, uint8_t* panel) {
    uint32_t fifth = 0;
    if (kFive) __builtin_memcpy(&fifth, file + kFileBits, 4);
    for (size_t g = 0; g < 4; ++g) {  // a byte has the same two columns here and there
      __builtin_memcpy(panel + kGroupBytes * g + 4 * row, file + kFileNibbles + 4 * g, 4);
    }
    for (size_t j = 0; kFive && j < 32; ++j) BitPlane::Put(panel + kBits, row, j, fifth >> j & 1u);
    PutHalf(panel + kScales, row, file);
    if (kWithMin) PutHalf(panel + kMins, row, file + 2);
  }
  static void Unpack(const uint8_t* panel, size_t row, float* out) {
    const float scale = GetHalf(panel + kScales, row);
    const float min = kWithMin ? GetHalf(panel + kMins, row) : 0.0f;
    for (size_t j = 0; j < 32; ++j) {
      unsigned value = Nibbles::Get(panel, row, j);
      if (kFive) value |= BitPlane::Get(panel + kBits, row, j) << 4;
      out[j] = static_cast<float>(static_cast<int>(value) - kOffset) * scale;
      if (kWithMin) out[j] += min;
    }
  }
  template <int kPanels, int kTile>
  HEARTH_INLINE static void Dot(const uint8_t* const* panels, size_t, const int8_t* const* x,
                                I* dots) {
    DotBits<kPanels, kTile, kHalves, kMore, kBits>(panels, x, dots);
  }
  static void Loosen(const uint8_t* panel, size_t, uint8_t* out) {
    LoosenBits<kMore, kBits>(panel, out);
  }
  static F Scale(const uint8_t* panel, size_t, int) { return FromHalf(AsHalves(panel + kScales)); }
  static F Min(const uint8_t* panel, size_t) { return FromHalf(AsHalves(panel + kMins)); }
};

// Q8_0. In the file: a scale, then 32 bytes. In a panel: 8 groups of bytes (+ kWeight8Offset), 16
// scales.
struct Bytes {
  static constexpr size_t kColumns = 32;
  static constexpr size_t kFileBytes = 34;
  static constexpr size_t kScales = 8 * kGroupBytes;
  static constexpr size_t kPanelBytes = kFileBytes * kPanelRows;
  static constexpr int kHalves = 1;
  static constexpr int kOffset = kWeight8Offset;
  static constexpr bool kHasMin = false;
  static constexpr bool kPacked = false;

  static void Pack(const uint8_t* file, size_t row, uint8_t* panel) {
    for (size_t g = 0; g < 8; ++g) {
      uint32_t four = LoadU32(file + 2 + 4 * g);
      if (kWeight8Offset == 128) four ^= 0x80808080u;  // + 128 in each byte
      __builtin_memcpy(panel + kGroupBytes * g + 4 * row, &four, 4);
    }
    PutHalf(panel + kScales, row, file);
  }
  static void Unpack(const uint8_t* panel, size_t row, float* out) {
    const float scale = GetHalf(panel + kScales, row);
    for (size_t j = 0; j < 32; ++j) {
      const auto byte =
          static_cast<int8_t>(panel[kGroupBytes * (j / 4) + 4 * row + j % 4] - kWeight8Offset);
      out[j] = static_cast<float>(byte) * scale;
    }
  }
  template <int kPanels, int kTile>
  HEARTH_INLINE static void Dot(const uint8_t* const* panels, size_t, const int8_t* const* x,
                                I* dots) {
    for (size_t g = 0; g < 8; ++g) {
      B weights[kPanels];
      for (int p = 0; p < kPanels; ++p) weights[p] = LoadBytes(panels[p] + kGroupBytes * g);
      for (int t = 0; t < kTile; ++t) {
        const A four = Four(x[t] + 4 * g);
        for (int p = 0; p < kPanels; ++p) {
          dots[p * kTile + t] = Dot8(dots[p * kTile + t], weights[p], four);
        }
      }
    }
  }
  static F Scale(const uint8_t* panel, size_t, int) { return FromHalf(AsHalves(panel + kScales)); }
};

// Q4_K and Q5_K: blocks of 256 columns; each 32 of them have a scale and a minimum of 6 bits,
// multiples of the block's two F16 numbers. In the file: those two, 12 bytes of scales and minima,
// with kFive 32 bytes of fifth bits (bit b of byte j: column 32b + j), then 4 times 32 bytes that
// hold columns 64i + j below and 64i + 32 + j above. In a panel: 8 times nibbles and fifth bits, 8
// times 16 scales and 16 minima (bytes), the 16 scales of scales and the 16 of minima, the latter
// negated.
template <bool kFive>
struct SuperMin {
  static constexpr size_t kColumns = 256;
  static constexpr size_t kFileScales = 4;
  static constexpr size_t kFileBits = kFileScales + 12;
  static constexpr size_t kFileNibbles = kFileBits + (kFive ? 32 : 0);
  static constexpr size_t kFileBytes = kFileNibbles + 128;
  static constexpr More kMore = kFive ? More::kBitPlane : More::kNothing;
  static constexpr size_t kPart = Nibbles::kBytes + (kFive ? BitPlane::kBytes : 0);
  static constexpr size_t kScales = 8 * kPart;
  static constexpr size_t kMins = kScales + 8 * kPanelRows;
  static constexpr size_t kScaleOfScales = kMins + 8 * kPanelRows;
  static constexpr size_t kScaleOfMins = kScaleOfScales + 2 * kPanelRows;
  static constexpr size_t kPanelBytes = kScaleOfMins + 2 * kPanelRows;
  static constexpr int kHalves = 1;
  static constexpr int kOffset = 0;
  static constexpr bool kHasMin = true;
  static constexpr bool kPacked = true;

  static void Pack(const uint8_t* file, size_t row, uint8_t* panel) {
    const uint8_t* packed = file + kFileScales;
    for (size_t b = 0; b < 8; ++b) {
      // The first four lie in 6 bits of a byte; the others in a nibble and the two bits that are
      // left.
      const unsigned scale =
          b < 4 ? packed[b] & 63u : (packed[b + 4] & 15u) | (packed[b - 4] >> 6) << 4;
      const unsigned min = b < 4
                               ? packed[b + 4] & 63u
                               : static_cast<unsigned>(packed[b + 4] >> 4) | (packed[b] >> 6) << 4;
      panel[kScales + b * kPanelRows + row] = static_cast<uint8_t>(scale);
      panel[kMins + b * kPanelRows + row] = static_cast<uint8_t>(min);
      for (size_t g = 0; g < 4; ++g) {  // four columns, and those 16 behind them
        const uint8_t* bytes = file + kFileNibbles + b / 2 * 32 + 4 * g;
        const uint32_t low = LoadU32(bytes) >> (b % 2 * 4) & 0x0f0f0f0fu;
        const uint32_t high = LoadU32(bytes + 16) >> (b % 2 * 4) & 0x0f0f0f0fu;
        const uint32_t both = low | high << 4;
        __builtin_memcpy(panel + b * kPart + kGroupBytes * g + 4 * row, &both, 4);
      }
      for (size_t j = 0; kFive && j < 32; ++j) {
        BitPlane::Put(panel + b * kPart + Nibbles::kBytes, row, j, file[kFileBits + j] >> b & 1u);
      }
    }
    PutHalf(panel + kScaleOfScales, row, file);
    PutHalf(panel + kScaleOfMins, row, file + 2);
    panel[kScaleOfMins + 2 * row + 1] ^= 0x80;
  }
  static void Unpack(const uint8_t* panel, size_t row, float* out) {
    const float scale_of_scales = GetHalf(panel + kScaleOfScales, row);
    const float scale_of_mins = GetHalf(panel + kScaleOfMins, row);
    for (size_t b = 0; b < 8; ++b) {
      const float scale = scale_of_scales * panel[kScales + b * kPanelRows + row];
      const float min = scale_of_mins * panel[kMins + b * kPanelRows + row];
      for (size_t j = 0; j < 32; ++j) {
        unsigned value = Nibbles::Get(panel + b * kPart, row, j);
        if (kFive) value |= BitPlane::Get(panel + b * kPart + Nibbles::kBytes, row, j) << 4;
        out[32 * b + j] = scale * static_cast<float>(value) + min;
      }
    }
  }
  template <int kPanels, int kTile>
  HEARTH_INLINE static void Dot(const uint8_t* const* panels, size_t b, const int8_t* const* x,
                                I* dots) {
    const uint8_t* parts[kPanels];
    for (int p = 0; p < kPanels; ++p) parts[p] = panels[p] + b * kPart;
    DotBits<kPanels, kTile, kHalves, kMore, Nibbles::kBytes>(parts, x, dots);
  }
  static void Loosen(const uint8_t* panel, size_t b, uint8_t* out) {
    LoosenBits<kMore, Nibbles::kBytes>(panel + b * kPart, out);
  }
  static F Scale(const uint8_t* panel, size_t b, int) {
    return Mul(FromHalf(AsHalves(panel + kScaleOfScales)),
               FromBytes(panel + kScales + b * kPanelRows));
  }
  static F Min(const uint8_t* panel, size_t b) {
    return Mul(FromHalf(AsHalves(panel + kScaleOfMins)), FromBytes(panel + kMins + b * kPanelRows));
  }
};

// Q6_K: blocks of 256 columns; each 16 of them have a signed scale of 8 bits, a multiple of the
// block's F16 number. In the file: 128 bytes of low bits, 64 of high ones, 16 scales, the number;
// see Pack. In a panel: 8 times nibbles and pairs of bits, 16 times 16 scales (bytes), 16 scales
// of scales.
struct SuperSix {
  static constexpr size_t kColumns = 256;
  static constexpr size_t kFileHigh = 128;
  static constexpr size_t kFileScales = 192;
  static constexpr size_t kFileScaleOfScales = 208;
  static constexpr size_t kFileBytes = 210;
  static constexpr size_t kPart = Nibbles::kBytes + BitPairs::kBytes;
  static constexpr size_t kScales = 8 * kPart;
  static constexpr size_t kScaleOfScales = kScales + 16 * kPanelRows;
  static constexpr size_t kPanelBytes = kScaleOfScales + 2 * kPanelRows;
  static constexpr int kHalves = 2;
  static constexpr int kOffset = 32;
  static constexpr bool kHasMin = false;
  static constexpr bool kPacked = true;

  static void Pack(const uint8_t* file, size_t row, uint8_t* panel) {
    for (size_t c = 0; c < 256; ++c) {
      // Each 128 columns: four runs of 32, whose low bits share 64 bytes and whose high bits 32.
      const size_t half = c / 128;
      const size_t run = c % 128 / 32;
      const size_t j = c % 32;
      const uint8_t low = file[64 * half + 32 * (run % 2) + j];
      const unsigned nibble = run < 2 ? low & 15u : low >> 4;
      const unsigned high = file[kFileHigh + 32 * half + j] >> (2 * run) & 3u;
      uint8_t* part = panel + c / 32 * kPart;
      Nibbles::Put(part, row, j, nibble);
      BitPairs::Put(part + Nibbles::kBytes, row, j, high);
    }
    for (size_t h = 0; h < 16; ++h) panel[kScales + h * kPanelRows + row] = file[kFileScales + h];
    PutHalf(panel + kScaleOfScales, row, file + kFileScaleOfScales);
  }
  static void Unpack(const uint8_t* panel, size_t row, float* out) {
    const float scale_of_scales = GetHalf(panel + kScaleOfScales, row);
    for (size_t c = 0; c < 256; ++c) {
      const uint8_t* part = panel + c / 32 * kPart;
      const unsigned value =
          Nibbles::Get(part, row, c % 32) | BitPairs::Get(part + Nibbles::kBytes, row, c % 32) << 4;
      const float scale =
          scale_of_scales * static_cast<int8_t>(panel[kScales + c / 16 * kPanelRows + row]);
      out[c] = scale * static_cast<float>(static_cast<int>(value) - kOffset);
    }
  }
  template <int kPanels, int kTile>
  HEARTH_INLINE static void Dot(const uint8_t* const* panels, size_t b, const int8_t* const* x,
                                I* dots) {
    const uint8_t* parts[kPanels];
    for (int p = 0; p < kPanels; ++p) parts[p] = panels[p] + b * kPart;
    DotBits<kPanels, kTile, kHalves, More::kBitPairs, Nibbles::kBytes>(parts, x, dots);
  }
  static void Loosen(const uint8_t* panel, size_t b, uint8_t* out) {
    LoosenBits<More::kBitPairs, Nibbles::kBytes>(panel + b * kPart, out);
  }
  static F Scale(const uint8_t* panel, size_t b, int half) {
    return Mul(FromHalf(AsHalves(panel + kScaleOfScales)),
               FromSignedBytes(panel + kScales + (2 * b + static_cast<size_t>(half)) * kPanelRows));
  }
};

// What a packed format becomes where many rows share the unpacking: 8 groups of bytes, then
// kHalves times 16 scales and, with a minimum, 16 minima, as floats.
template <int kHalvesOfIt, int kOffsetOfIt, bool kWithMin>
struct Loose {
  static constexpr size_t kColumns = 32;
  static constexpr size_t kScales = 8 * kGroupBytes;
  static constexpr size_t kScaleBytes = sizeof(float) * kPanelRows;
  static constexpr size_t kMins = kScales + kHalvesOfIt * kScaleBytes;
  static constexpr size_t kPanelBytes = kMins + (kWithMin ? kScaleBytes : 0);
  static constexpr int kHalves = kHalvesOfIt;
  static constexpr int kOffset = kOffsetOfIt;
  static constexpr bool kHasMin = kWithMin;

  template <int kPanels, int kTile>
  HEARTH_INLINE static void Dot(const uint8_t* const* panels, size_t, const int8_t* const* x,
                                I* dots) {
    for (size_t g = 0; g < 8; ++g) {
      B weights[kPanels];
      for (int p = 0; p < kPanels; ++p) weights[p] = LoadBytes(panels[p] + kGroupBytes * g);
      I* const half = dots + (kHalves == 2 && g >= 4 ? kPanels * kTile : 0);
      for (int t = 0; t < kTile; ++t) {
        const A four = Four(x[t] + 4 * g);
        for (int p = 0; p < kPanels; ++p) {
          half[p * kTile + t] = Dot7(half[p * kTile + t], weights[p], four);
        }
      }
    }
  }
  static F Scale(const uint8_t* panel, size_t, int half) {
    return Load(reinterpret_cast<const float*>(panel + kScales) +
                static_cast<size_t>(half) * kPanelRows);
  }
  static F Min(const uint8_t* panel, size_t) {
    return Load(reinterpret_cast<const float*>(panel + kMins));
  }
};

// Whether a format's panels were written just before they are read.
template <typename Format>
constexpr bool kInCache = false;
template <int kHalves, int kOffset, bool kHasMin>
constexpr bool kInCache<Loose<kHalves, kOffset, kHasMin>> = true;

// F32, F16 and BF16: [cols][16] in a panel.
struct Floats32 {
  static constexpr size_t kElement = 4;
  static F Weights(const uint8_t* p) { return Load(reinterpret_cast<const float*>(p)); }
  static float One(const uint8_t* p) {
    float v;
    __builtin_memcpy(&v, p, 4);
    return v;
  }
};
struct Floats16 {
  static constexpr size_t kElement = 2;
  static F Weights(const uint8_t* p) { return FromHalf(AsHalves(p)); }
  static float One(const uint8_t* p) { return HalfToFloat(LoadU16(p)); }
};
struct BrainFloats16 {
  static constexpr size_t kElement = 2;
  static F Weights(const uint8_t* p) { return FromBf16(AsHalves(p)); }
  static float One(const uint8_t* p) { return Bf16ToFloat(LoadU16(p)); }
};

// Calls visit(Format{}) for a quantized type or visit_floats(Format{}) for the others; false where
// there are no kernels for the type.
template <typename Quantized, typename Floats>
bool VisitFormat(TensorType type, Quantized visit, Floats visit_floats) {
  switch (type) {
    case TensorType::kQ4_0:
      visit(Small<false, false>{});
      return true;
    case TensorType::kQ4_1:
      visit(Small<false, true>{});
      return true;
    case TensorType::kQ5_0:
      visit(Small<true, false>{});
      return true;
    case TensorType::kQ5_1:
      visit(Small<true, true>{});
      return true;
    case TensorType::kQ8_0:
      visit(Bytes{});
      return true;
    case TensorType::kQ4_K:
      visit(SuperMin<false>{});
      return true;
    case TensorType::kQ5_K:
      visit(SuperMin<true>{});
      return true;
    case TensorType::kQ6_K:
      visit(SuperSix{});
      return true;
    case TensorType::kF32:
      visit_floats(Floats32{});
      return true;
    case TensorType::kF16:
      visit_floats(Floats16{});
      return true;
    case TensorType::kBF16:
      visit_floats(BrainFloats16{});
      return true;
    default:
      return false;
  }
}
