// What one thread of this machine can do at most: int8 multiply-accumulates from registers, and bytes read over a working set.
// Compiled by ceiling.py for the machine it runs on. Each function returns a sum, so that no work can be left out.
#include <cstddef>
#include <cstdint>
#include <utility>

#include <immintrin.h>

namespace {

constexpr int kSums = 12;  // independent, enough to hide the latency of one product

#if defined(__AVX512VNNI__)

using Vector = __m512i;
constexpr int kProducts = 64;  // an instruction
Vector load(const void* from) { return _mm512_loadu_si512(from); }
Vector add(Vector a, Vector b) { return _mm512_add_epi32(a, b); }
void multiply_add(Vector& sum, Vector x, Vector w) { asm volatile("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(w)); }
int first(Vector sum) { return _mm512_cvtsi512_si32(sum); }

#elif defined(__AVX2__)

using Vector = __m256i;
constexpr int kProducts = 16;  // of bytes that were widened
Vector load(const void* from) { return _mm256_loadu_si256(static_cast<const __m256i*>(from)); }
Vector add(Vector a, Vector b) { return _mm256_add_epi32(a, b); }
void multiply_add(Vector& sum, Vector x, Vector w) {
  Vector products;
  asm volatile("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0" : "+x"(sum), "=&x"(products) : "x"(x), "x"(w));
}
int first(Vector sum) { return _mm256_cvtsi256_si32(sum); }

#else
#error "the ceilings are measured with AVX512-VNNI or AVX2"
#endif

// Places known to the compiler, so that each sum has a register.
template <std::size_t... kPlace>
int multiply_with(int64_t products, std::index_sequence<kPlace...>) {
  alignas(64) const uint8_t some[64] = {1, 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47};
  const Vector x = load(some);
  Vector sums[kSums] = {};
  for (int64_t done = 0; done < products; done += kSums * kProducts) (multiply_add(sums[kPlace], x, x), ...);
  (..., (sums[0] = add(sums[0], sums[kPlace])));
  return first(sums[0]);
}

template <std::size_t... kPlace>
int read_with(const uint8_t* bytes, int64_t size, int64_t times, std::index_sequence<kPlace...>) {
  Vector sums[kSums] = {};
  for (int64_t time = 0; time < times; ++time)
    for (int64_t at = 0; at + int64_t(sizeof(sums)) <= size; at += sizeof(sums))
      (..., (sums[kPlace] = add(sums[kPlace], load(bytes + at + kPlace * sizeof(Vector)))));
  (..., (sums[0] = add(sums[0], sums[kPlace])));
  return first(sums[0]);
}

}  // namespace

// At least `products` multiply-accumulates.
extern "C" int multiply(int64_t products) { return multiply_with(products, std::make_index_sequence<kSums>()); }

// Reads all bytes, but for the end of an odd size, `times` times.
extern "C" int read(const uint8_t* bytes, int64_t size, int64_t times) {
  return read_with(bytes, size, times, std::make_index_sequence<kSums>());
}
