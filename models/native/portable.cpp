// Plain C++ for any processor.
#include <cmath>

#include "machine.h"

namespace elman {
namespace {

struct Portable {
  using Element = int8_t;
  using Weight = int8_t;
  static constexpr int kGroup = 1, kLanes = 16, kBlocks = 4, kRows = 1, kOffset = 0;
  using Weights = const Weight*;
  struct Sum {
    int32_t lane[kLanes];
  };
  using Tanh = TanhTable<int8_t, kOffset>;

  static Sum zero() { return Sum{}; }
  static Sum add(Sum a, const Sum& b) {
    for (int i = 0; i < kLanes; ++i) a.lane[i] += b.lane[i];
    return a;
  }
  static Weights load(const Weight* w) { return w; }
  static int32_t broadcast(const Element* x) { return *x; }
  static Sum multiply_add(Sum sum, int32_t x, Weights w) {
    for (int i = 0; i < kLanes; ++i) sum.lane[i] += x * w[i];
    return sum;
  }

  static int32_t affine(int32_t acc, float scale, float bias, float limit) {
    const float product = float(acc) * scale;
    const float a = product + bias;
    return int32_t(std::nearbyintf(std::max(std::min(a, limit), -limit)));  // half to even, the default mode
  }
  template <int B>
  static void activate(const Sum (&sums)[B], const Terms& terms, const Tanh& tanh, Element* to) {
    for (int i = 0; i < B * kLanes; ++i)
      to[i] = tanh.at(affine(sums[i / kLanes].lane[i % kLanes], terms.scale[i], terms.bias[i], kTanhReach));
  }
  template <int B>
  static void logits(const Sum (&sums)[B], const Terms& terms, int32_t* q) {
    for (int i = 0; i < B * kLanes; ++i) q[i] = affine(sums[i / kLanes].lane[i % kLanes], terms.scale[i], terms.bias[i], kLogitReach);
  }
};

}  // namespace

std::unique_ptr<Machine> make_portable(const Model& model, int rows) { return std::make_unique<Rows<Portable>>(model, rows); }

Recalled recall_portable(TextEnd end, int count) { return recall(end, count); }

}  // namespace elman
