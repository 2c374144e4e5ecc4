// AVX512-VNNI: sixteen sums of four products of an unsigned and a signed byte an instruction, exact in int32.
// States are kept as h + 128, so that they are unsigned; each sum is then corrected by 128 times its row's sum of weights.
#include "law.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "machine_includes.h"
// Only what follows is compiled for these instructions: a template of the standard library that this file shares with others must
// run on any processor, whichever copy the linker keeps.
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,fma")
#include "machine.h"

namespace elman {
namespace {

struct Avx512Vnni {
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
  static __m512i affine(Sum sum, const int32_t* correction, const float* scale, const float* bias, float limit) {
    const __m512 acc = _mm512_cvtepi32_ps(_mm512_sub_epi32(sum, _mm512_load_si512(correction)));
    const __m512 a = _mm512_add_ps(_mm512_mul_ps(acc, _mm512_load_ps(scale)), _mm512_load_ps(bias));
    return _mm512_cvtps_epi32(_mm512_max_ps(_mm512_min_ps(a, _mm512_set1_ps(limit)), _mm512_set1_ps(-limit)));
  }
  static void activate(Sum sum, const int32_t* correction, const float* scale, const float* bias, const int32_t* table, Element* to) {
    const __m512i index = affine(sum, correction, scale, bias, kTanhReach);
    const __m512i h = _mm512_i32gather_epi32(index, table + kTanhReach, 4);
    _mm_store_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8(h));
  }
  static void logits(Sum sum, const int32_t* correction, const float* scale, const float* bias, int32_t* q) {
    _mm512_store_si512(q, affine(sum, correction, scale, bias, kLogitReach));
  }
};

}  // namespace

std::unique_ptr<Machine> make_avx512vnni(const Model& model, int rows) { return std::make_unique<Rows<Avx512Vnni>>(model, rows); }

}  // namespace elman
#pragma GCC pop_options
#endif
