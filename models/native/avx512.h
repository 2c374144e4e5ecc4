// What the executions for AVX512-VNNI share: sixteen sums of four products of an unsigned and a signed byte an instruction, exact in
// int32. States are kept as h + 128, so that they are unsigned; each sum is then corrected by 128 times its row's sum of weights.
#pragma once

#include <immintrin.h>

#define ELMAN_HAS_AVX2  // as in avx2.cpp
#include "machine.h"

namespace elman {
namespace {

struct Avx512 {
  using Element = uint8_t;
  using Weight = int8_t;
  using Weights = __m512i;
  using Sum = __m512i;
  static constexpr int kGroup = 4, kLanes = 16, kBlocks = 4, kRows = 6, kOffset = 128;

  static Sum zero() { return _mm512_setzero_si512(); }
  static Sum add(Sum a, Sum b) { return _mm512_add_epi32(a, b); }
  static Weights load(const Weight* w) { return _mm512_load_si512(w); }
  static __m512i broadcast(const Element* x) {
    int32_t four;
    std::memcpy(&four, x, 4);
    return _mm512_set1_epi32(four);
  }
  static Sum multiply_add(Sum sum, __m512i x, Weights w) { return _mm512_dpbusd_epi32(sum, x, w); }

  // fl(fl(acc * scale) + bias), limited: limits are whole, so they may come before the rounding.
  static __m512i affine(Sum sum, const Terms& terms, float low, float high) {
    const __m512 acc = _mm512_cvtepi32_ps(_mm512_sub_epi32(sum, _mm512_load_si512(terms.correction)));
    const __m512 a = _mm512_add_ps(_mm512_mul_ps(acc, _mm512_load_ps(terms.scale)), _mm512_load_ps(terms.bias));
    return _mm512_cvtps_epi32(_mm512_max_ps(_mm512_min_ps(a, _mm512_set1_ps(high)), _mm512_set1_ps(low)));
  }
  template <int B>
  static void logits(const Sum (&sums)[B], const Terms& terms, int32_t* q) {
    for (int b = 0; b < B; ++b) _mm512_store_si512(q + b * kLanes, affine(sums[b], terms.block(b * kLanes), -kLogitReach, kLogitReach));
  }

  // TANH by gathering: right for any table.
  using TanhEntries = TanhTable<int32_t, kOffset>;
  template <int B>
  static void gather(const Sum (&sums)[B], const Terms& terms, const TanhEntries& tanh, Element* to) {
    for (int b = 0; b < B; ++b) {
      const __m512i index = affine(sums[b], terms.block(b * kLanes), -kTanhReach, kTanhReach);
      const __m512i h = _mm512_i32gather_epi32(index, tanh.middle(), 4);
      _mm_store_si128(reinterpret_cast<__m128i*>(to + b * kLanes), _mm512_cvtepi32_epi8(h));
    }
  }
};

}  // namespace
}  // namespace elman
