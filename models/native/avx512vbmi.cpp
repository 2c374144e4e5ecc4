// AVX512-VNNI with VBMI and BITALG: TANH of 64 outputs at once out of registers, where gathering would take a third of a step.
#include "law.h"

#if defined(__x86_64__)
#include "machine_includes.h"
// Only what follows is compiled for these instructions: a template of the standard library that this file shares with others must
// run on any processor, whichever copy the linker keeps.
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vbmi,avx512bitalg,fma,bmi,lzcnt,prefer-vector-width=512")
#include "avx512.h"

namespace elman {
namespace {

// TANH as 256 runs of 8 entries: each run's first entry, and a bit for each place in it at which the table rises by 1.
//
//   run 128:  0  0  1  1  2  2  3  3      first 0, rises . 1 . 1 . 1 .      TANH[8 run + i] = first + the number of rises up to i
//
// So it is for any table that rises by at most 1 from entry to entry and ends level, as 127 tanh does; others are gathered.
class TanhRuns {
 public:
  explicit TanhRuns(const int8_t* tanh) : entries(tanh), is_smooth(tanh[kEntries] == tanh[kEntries - 1]) {
    for (int i = 0; i < kEntries; ++i) {
      const int rise = tanh[i + 1] - tanh[i];
      is_smooth &= rise == 0 || rise == 1;
      if (i % kRun == 0) first_[i / kRun] = uint8_t(tanh[i] + Avx512::kOffset);
      if (i % kRun < kRun - 1) rises_[i / kRun] |= uint8_t(rise << (i % kRun));
    }
  }

  // `index` (64 x 16 bits, in two halves as packs leave them): 0 to kEntries - 1.
  __m512i at(__m512i low, __m512i high) const {
    const __m512i run = _mm512_packus_epi16(_mm512_srli_epi16(low, 3), _mm512_srli_epi16(high, 3));
    const __m512i seven = _mm512_set1_epi16(kRun - 1);
    const __m512i place = _mm512_packus_epi16(_mm512_and_si512(low, seven), _mm512_and_si512(high, seven));
    const __m512i before = _mm512_shuffle_epi8(_mm512_set1_epi64(0x7f3f1f0f07030100), place);  // the bits below the place
    return _mm512_add_epi8(look_up(first_, run), _mm512_popcnt_epi8(_mm512_and_si512(look_up(rises_, run), before)));
  }

  const Avx512::TanhEntries entries;
  bool is_smooth;

  static constexpr int kRun = 8, kEntries = 2 * kTanhReach;  // the last of TANH's entries equals the one before it

 private:
  static __m512i look_up(const uint8_t* table, __m512i index) {
    const __m512i* quarters = reinterpret_cast<const __m512i*>(table);
    const __m512i lower = _mm512_permutex2var_epi8(_mm512_load_si512(quarters), index, _mm512_load_si512(quarters + 1));
    const __m512i upper = _mm512_permutex2var_epi8(_mm512_load_si512(quarters + 2), index, _mm512_load_si512(quarters + 3));
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(index), lower, upper);
  }

  alignas(64) uint8_t first_[kEntries / kRun] = {};
  alignas(64) uint8_t rises_[kEntries / kRun] = {};
};

struct Avx512Vbmi : Avx512 {
  using Tanh = TanhRuns;
  template <int B>
  static void activate(const Sum (&sums)[B], const Terms& terms, const Tanh& tanh, Element* to) {
    if (!tanh.is_smooth) return gather(sums, terms, tanh.entries, to);
    __m512i index[kBlocks] = {};
    for (int b = 0; b < B; ++b) index[b] = affine(sums[b], terms.block(b * kLanes), -kTanhReach, kTanhReach - 1);
    const __m512i middle = _mm512_set1_epi16(kTanhReach);
    const __m512i h = tanh.at(_mm512_add_epi16(_mm512_packs_epi32(index[0], index[1]), middle),
                              _mm512_add_epi16(_mm512_packs_epi32(index[2], index[3]), middle));
    // Packing works in quarters: 0 4 8 12 | 1 5 9 13 | ... counted in four outputs. The layer's place in a state is a multiple of 64.
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    _mm512_store_si512(to, _mm512_permutexvar_epi32(order, h));
  }
};

}  // namespace

std::unique_ptr<Machine> make_avx512vbmi(const Model& model, int rows) { return std::make_unique<Rows<Avx512Vbmi>>(model, rows); }

Recalled recall_avx512vbmi(TextEnd end, int count) { return recall(end, count); }

}  // namespace elman
#pragma GCC pop_options
#endif
