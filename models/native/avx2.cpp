// AVX2: eight sums of two products of 16-bit numbers an instruction, exact in int32. (The byte products of AVX2 saturate: unusable.)
#include "law.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "machine_includes.h"
// Only what follows is compiled for these instructions: a template of the standard library that this file shares with others must
// run on any processor, whichever copy the linker keeps.
#pragma GCC push_options
#pragma GCC target("avx2,fma,bmi,lzcnt")
#define ELMAN_HAS_AVX2  // __AVX2__ does not follow the pragma in every compiler: gcc 12 leaves it undefined
#include "machine.h"

namespace elman {
namespace {

struct Avx2 {
  using Element = int16_t;
  using Weight = int16_t;
  using Weights = __m256i;
  using Sum = __m256i;
  static constexpr int kGroup = 2, kLanes = 8, kBlocks = 4, kRows = 2, kOffset = 0;
  using Tanh = TanhTable<int32_t, kOffset>;

  static Sum zero() { return _mm256_setzero_si256(); }
  static Sum add(Sum a, Sum b) { return _mm256_add_epi32(a, b); }
  static Weights load(const Weight* w) { return _mm256_load_si256(reinterpret_cast<const __m256i*>(w)); }
  static __m256i broadcast(const Element* x) {
    int32_t two;
    std::memcpy(&two, x, 4);
    return _mm256_set1_epi32(two);
  }
  static Sum multiply_add(Sum sum, __m256i x, Weights w) { return _mm256_add_epi32(sum, _mm256_madd_epi16(x, w)); }

  // fl(fl(acc * scale) + bias), limited: limits are whole, so they may come before the rounding.
  static __m256i affine(Sum sum, const Terms& terms, float limit) {
    const __m256 a = _mm256_add_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(sum), _mm256_load_ps(terms.scale)), _mm256_load_ps(terms.bias));
    return _mm256_cvtps_epi32(_mm256_max_ps(_mm256_min_ps(a, _mm256_set1_ps(limit)), _mm256_set1_ps(-limit)));
  }
  template <int B>
  static void activate(const Sum (&sums)[B], const Terms& terms, const Tanh& tanh, Element* to) {
    for (int b = 0; b < B; ++b) {
      const __m256i h = _mm256_i32gather_epi32(tanh.middle(), affine(sums[b], terms.block(b * kLanes), kTanhReach), 4);
      const __m128i low = _mm256_castsi256_si128(h), high = _mm256_extracti128_si256(h, 1);
      _mm_store_si128(reinterpret_cast<__m128i*>(to + b * kLanes), _mm_packs_epi32(low, high));
    }
  }
  template <int B>
  static void logits(const Sum (&sums)[B], const Terms& terms, int32_t* q) {
    for (int b = 0; b < B; ++b)
      _mm256_store_si256(reinterpret_cast<__m256i*>(q + b * kLanes), affine(sums[b], terms.block(b * kLanes), kLogitReach));
  }
};

}  // namespace

std::unique_ptr<Machine> make_avx2(const Model& model, int rows) { return std::make_unique<Rows<Avx2>>(model, rows); }

Recalled recall_avx2(TextEnd end, int count) { return recall(end, count); }

}  // namespace elman
#pragma GCC pop_options
#endif
