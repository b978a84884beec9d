// From types known when the program runs to those that kernels are compiled for. Pure host code.
#pragma once

#include "model/kv_type.h"
#include "model/tensor_type.h"

namespace hearth::model::cuda {

// Calls visit.template operator()<type>() for the type that a matrix is held as.
template <typename Visit>
void VisitHeld(TensorType type, Visit visit) {
  switch (type) {
    case TensorType::kQ4_0:
      return visit.template operator()<TensorType::kQ4_0>();
    case TensorType::kQ4_1:
      return visit.template operator()<TensorType::kQ4_1>();
    case TensorType::kQ5_0:
      return visit.template operator()<TensorType::kQ5_0>();
    case TensorType::kQ5_1:
      return visit.template operator()<TensorType::kQ5_1>();
    case TensorType::kQ8_0:
      return visit.template operator()<TensorType::kQ8_0>();
    case TensorType::kQ4_K:
      return visit.template operator()<TensorType::kQ4_K>();
    case TensorType::kQ5_K:
      return visit.template operator()<TensorType::kQ5_K>();
    case TensorType::kQ6_K:
      return visit.template operator()<TensorType::kQ6_K>();
    case TensorType::kF32:
      return visit.template operator()<TensorType::kF32>();
    case TensorType::kBF16:
      return visit.template operator()<TensorType::kBF16>();
    default:
      return visit.template operator()<TensorType::kF16>();
  }
}

// The same for types of keys and values.
template <typename Visit>
void VisitKv(KvType type, Visit visit) {
  switch (type) {
    case KvType::kF32:
      return visit.template operator()<KvType::kF32>();
    case KvType::kF16:
      return visit.template operator()<KvType::kF16>();
    case KvType::kBF16:
      return visit.template operator()<KvType::kBF16>();
    case KvType::kQ8_0:
      return visit.template operator()<KvType::kQ8_0>();
    case KvType::kF8E4M3:
      return visit.template operator()<KvType::kF8E4M3>();
  }
}

}  // namespace hearth::model::cuda
