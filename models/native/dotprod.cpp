// 64-bit Arm with the dot product (FEAT_DotProd: SDOT): four sums of four products of signed bytes an instruction, exact in int32.
#include "law.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#include "machine_includes.h"
// Only what follows is compiled for these instructions: a template of the standard library that this file shares with others must
// run on any processor, whichever copy the linker keeps.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("arch=armv8.2-a+dotprod")
#endif
#include "machine.h"

namespace elman {
namespace {

struct Dotprod {
  using Element = int8_t;
  using Weight = int8_t;
  using Weights = int8x16_t;
  using Sum = int32x4_t;
  static constexpr int kGroup = 4, kLanes = 4, kBlocks = 4, kRows = 4, kOffset = 0;
  using Tanh = TanhTable<int8_t, kOffset>;

  static Sum zero() { return vdupq_n_s32(0); }
  static Sum add(Sum a, Sum b) { return vaddq_s32(a, b); }
  static Weights load(const Weight* w) { return vld1q_s8(w); }
  static int8x16_t broadcast(const Element* x) {
    int32_t four;
    std::memcpy(&four, x, 4);
    return vreinterpretq_s8_s32(vdupq_n_s32(four));
  }
  static Sum multiply_add(Sum sum, int8x16_t x, Weights w) { return vdotq_s32(sum, x, w); }

  // fl(fl(acc * scale) + bias), limited: limits are whole, so they may come before the rounding, half to even.
  static int32x4_t affine(Sum sum, const Terms& terms, float limit) {
    const float32x4_t a = vaddq_f32(vmulq_f32(vcvtq_f32_s32(sum), vld1q_f32(terms.scale)), vld1q_f32(terms.bias));
    return vcvtnq_s32_f32(vmaxq_f32(vminq_f32(a, vdupq_n_f32(limit)), vdupq_n_f32(-limit)));
  }
  template <int B>
  static void activate(const Sum (&sums)[B], const Terms& terms, const Tanh& tanh, Element* to) {
    for (int b = 0; b < B; ++b) {
      int32_t index[kLanes];
      vst1q_s32(index, affine(sums[b], terms.block(b * kLanes), kTanhReach));
      for (int lane = 0; lane < kLanes; ++lane) to[b * kLanes + lane] = tanh.at(index[lane]);
    }
  }
  template <int B>
  static void logits(const Sum (&sums)[B], const Terms& terms, int32_t* q) {
    for (int b = 0; b < B; ++b) vst1q_s32(q + b * kLanes, affine(sums[b], terms.block(b * kLanes), kLogitReach));
  }
};

}  // namespace

std::unique_ptr<Machine> make_dotprod(const Model& model, int rows) { return std::make_unique<Rows<Dotprod>>(model, rows); }

Recalled recall_dotprod(TextEnd end, int count) { return recall(end, count); }

}  // namespace elman
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
