// AVX512-VNNI.
#include "law.h"

#if defined(__x86_64__)
#include "machine_includes.h"
// Only what follows is compiled for these instructions: a template of the standard library that this file shares with others must
// run on any processor, whichever copy the linker keeps.
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,fma,bmi,lzcnt,prefer-vector-width=512")
#include "avx512.h"

namespace elman {
namespace {

struct Avx512Vnni : Avx512 {
  using Tanh = TanhEntries;
  template <int B>
  static void activate(const Sum (&sums)[B], const Terms& terms, const Tanh& tanh, Element* to) {
    gather(sums, terms, tanh, to);
  }
};

}  // namespace

std::unique_ptr<Machine> make_avx512vnni(const Model& model, int rows) { return std::make_unique<Rows<Avx512Vnni>>(model, rows); }

Recalled recall_avx512vnni(TextEnd end, int count) { return recall(end, count); }

}  // namespace elman
#pragma GCC pop_options
#endif
