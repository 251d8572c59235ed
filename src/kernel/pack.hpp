#pragma once
// A pack of lanes and its exp2: the only file that knows the instruction set. Host compilers only (nvcc's
// front end does not parse templates over vector types); on a GPU the kernels use plain scalars instead.
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <utility>
#if defined(__AVX512F__) && defined(__AVX512DQ__)
#include <immintrin.h>  // maskz forms below: the plain ones trip -Wmaybe-uninitialized in GCC 12
#endif

namespace fortet::kernel {

#if defined(__AVX512F__)
inline constexpr int vector_bytes = 64, vector_registers = 32;
#elif defined(__AVX__)
inline constexpr int vector_bytes = 32, vector_registers = 16;
#elif defined(__ARM_NEON)
inline constexpr int vector_bytes = 16, vector_registers = 32;
#else
inline constexpr int vector_bytes = 16, vector_registers = 16;
#endif

template <class Real>
inline constexpr int lanes = vector_bytes / static_cast<int>(sizeof(Real));

namespace detail {
template <class Real>
struct PackOf;
template <>
struct PackOf<float> {
  typedef float type __attribute__((vector_size(vector_bytes)));
  typedef std::int32_t integers __attribute__((vector_size(vector_bytes)));
};
template <>
struct PackOf<double> {
  typedef double type __attribute__((vector_size(vector_bytes)));
  typedef std::int64_t integers __attribute__((vector_size(vector_bytes)));
};
}  // namespace detail

/// lanes<Real> values in one register; + - * and comparisons act lane by lane.
template <class Real>
using Pack = typename detail::PackOf<Real>::type;

template <class Real>
inline Pack<Real> broadcast(Real value) {
  return value - Pack<Real>{};
}

/// From an address aligned to vector_bytes.
template <class Real>
inline Pack<Real> load(const Real* p) {
  return *reinterpret_cast<const Pack<Real>*>(__builtin_assume_aligned(p, vector_bytes));
}

template <class Real>
inline void store(Real* p, Pack<Real> v) {
  *reinterpret_cast<Pack<Real>*>(__builtin_assume_aligned(p, vector_bytes)) = v;
}

/// From and to any address.
template <class Real>
inline Pack<Real> load_anywhere(const Real* p) {
  Pack<Real> v;
  __builtin_memcpy(&v, p, sizeof(v));
  return v;
}
template <class Real>
inline void store_anywhere(Real* p, Pack<Real> v) {
  __builtin_memcpy(p, &v, sizeof(v));
}

namespace detail {
/// Exchanges squares of `Side` lanes off the diagonal, of all pairs of rows `Side` apart.
template <int Side, class Real, std::size_t... Lane>
inline void exchange(Pack<Real>* rows, std::index_sequence<Lane...>) {
  constexpr int n = lanes<Real>;
#pragma GCC unroll 16
  for (int i = 0; i < n; ++i) {
    if (i & Side) continue;
    const Pack<Real> a = rows[i], b = rows[i + Side];
    rows[i] = __builtin_shufflevector(a, b, (Lane & Side ? n + Lane - Side : Lane)...);
    rows[i + Side] = __builtin_shufflevector(a, b, (Lane & Side ? n + Lane : Lane + Side)...);
  }
}

template <int Side, class Real>
inline void transpose_squares(Pack<Real>* rows) {
  if constexpr (Side > 0) {
    exchange<Side, Real>(rows, std::make_index_sequence<lanes<Real>>());
    transpose_squares<Side / 2, Real>(rows);
  }
}
}  // namespace detail

/// lanes<Real> rows of a square become its columns.
template <class Real>
inline void transpose(Pack<Real>* rows) {
  detail::transpose_squares<lanes<Real> / 2, Real>(rows);
}

/// As load and store, for values kept in another precision.
template <class Real, class Stored>
inline Pack<Real> load_as(const Stored* p) {
  if constexpr (sizeof(Stored) == sizeof(Real)) {
    return load(p);
  } else {
#if defined(__AVX512F__)
    return reinterpret_cast<Pack<double>>(_mm512_maskz_cvtps_pd(0xFF, _mm256_load_ps(p)));
#else
    typedef Stored Narrow __attribute__((vector_size(lanes<Real> * sizeof(Stored))));
    return __builtin_convertvector(*reinterpret_cast<const Narrow*>(p), Pack<Real>);
#endif
  }
}

template <class Real, class Stored>
inline void store_as(Stored* p, Pack<Real> v) {
  if constexpr (sizeof(Stored) == sizeof(Real)) {
    store(p, v);
  } else {
#if defined(__AVX512F__)
    _mm256_store_ps(p, _mm512_maskz_cvtpd_ps(0xFF, reinterpret_cast<__m512d>(v)));
#else
    typedef Stored Narrow __attribute__((vector_size(lanes<Real> * sizeof(Stored))));
    *reinterpret_cast<Narrow*>(p) = __builtin_convertvector(v, Narrow);
#endif
  }
}

namespace detail {
typedef float HalfPack __attribute__((vector_size(vector_bytes / 2)));
template <std::size_t... Lane>
inline Pack<float> join(HalfPack low, HalfPack high, std::index_sequence<Lane...>) {
  return __builtin_shufflevector(low, high, Lane...);
}
}  // namespace detail

/// In one register the numbers in a register of doubles, or as floats those in two.
template <class Real>
inline Pack<Real> narrow(const Pack<double>* from) {
  if constexpr (lanes<Real> == lanes<double>)
    return *from;
  else
    return detail::join(__builtin_convertvector(from[0], detail::HalfPack),
                        __builtin_convertvector(from[1], detail::HalfPack),
                        std::make_index_sequence<lanes<float>>());
}

template <class V>
inline V max(V a, V b) {
  return a > b ? a : b;
}
template <class V>
inline V min(V a, V b) {
  return a < b ? a : b;
}

/// Two positive numbers in the sixteen bits each of a word, to eleven significant bits: six bits of exponent,
/// ten of fraction, no sign. What is below 2^-36 becomes that, and what is above 2^28 the largest below it.
using PairedWords = detail::PackOf<float>::integers;
namespace detail {
inline constexpr std::int32_t pair_origin = 91 << 23;  // the bits of 2^-36
}
inline PairedWords pair(Pack<float> high, Pack<float> low) {
  const auto bits = [](Pack<float> x) {
    x = min(max(x, broadcast(0x1p-36f)), broadcast(0x1.ffcp27f));
    return reinterpret_cast<PairedWords>(x) - detail::pair_origin;
  };
  const PairedWords lower = (bits(low) + 0x1000) >> 13;
  // unpair() does not cut off what follows the high number, so that is rounded in sight of it
  const PairedWords upper = (bits(high) - (lower >> 3) + 0x1000) >> 13;
  return (upper > 0 ? upper : 0) << 16 | lower;
}
inline void unpair(PairedWords words, Pack<float>& high, Pack<float>& low) {
  typedef std::uint32_t Unsigned __attribute__((vector_size(vector_bytes)));
  const auto bits = reinterpret_cast<Unsigned>(words);
  high = reinterpret_cast<Pack<float>>((bits >> 3) + detail::pair_origin);
  low = reinterpret_cast<Pack<float>>((bits << 16 >> 3) + detail::pair_origin);
}

/// 2^t for each lane. Relative error 8e-8 (float, degree 5) or 3e-16 (double). Branch-free; -inf gives 0 or a
/// number below 2e-38 (float), 1e-307 (double); large t saturates. NaN is not expected.
inline Pack<float> exp2(Pack<float> t) {
#if defined(__AVX512F__) && defined(__AVX512DQ__)
  // minimax on [0, 1): vreduce leaves t - floor(t), vscalef multiplies by 2^floor(t) and handles all
  // exponents
  const __m512 r = _mm512_maskz_reduce_ps(0xFFFF, reinterpret_cast<__m512>(t), 0x09);
  __m512 p = _mm512_set1_ps(0.0018775766584178686f);
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.008989340131090895f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.0558263180192244f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.24015361705588525f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.693153073198836f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.9999999250635488f));
  return reinterpret_cast<Pack<float>>(_mm512_maskz_scalef_ps(0xFFFF, p, reinterpret_cast<__m512>(t)));
#else
  // minimax on [-1/2, 1/2]; adding the magic number leaves round(t) in the low mantissa bits
  using Integers = detail::PackOf<float>::integers;
  const Pack<float> magic = broadcast(12582912.0f);
  t = min(max(t, broadcast(-126.0f)), broadcast(127.0f));
  const Pack<float> z = t + magic;
  const Pack<float> r = t - (z - magic);
  Pack<float> p = broadcast(0.001327647187348168f);
  p = p * r + 0.009675541333497501f;
  p = p * r + 0.05550713273866225f;
  p = p * r + 0.24022119723863725f;
  p = p * r + 0.6931469670645367f;
  p = p * r + 1.0000000716546775f;
  return reinterpret_cast<Pack<float>>(reinterpret_cast<Integers>(p) + (reinterpret_cast<Integers>(z) << 23));
#endif
}

inline Pack<double> exp2(Pack<double> t) {
#if defined(__AVX512F__) && defined(__AVX512DQ__)
  // 2^t = 2^(k/8) 2^r with k = round(8 t): the eight values of 2^((k mod 8)/8) sit in one register, r is left
  // by vreduce (degree 7, minimax on |r| <= 1/16), and vscalef multiplies by 2^floor(k/8) for all exponents
  const __m512i table =
      _mm512_setr_epi64(0x3FF0000000000000, 0x3FF172B83C7D517B, 0x3FF306FE0A31B715, 0x3FF4BFDAD5362A27,
                        0x3FF6A09E667F3BCD, 0x3FF8ACE5422AA0DB, 0x3FFAE89F995AD3AD, 0x3FFD5818DCFBA487);
  const __m512d x = reinterpret_cast<__m512d>(t);
  const __m512d r = _mm512_maskz_reduce_pd(0xFF, x, 0x38);
  const __m512d k = _mm512_add_pd(x, _mm512_set1_pd(6755399441055744.0 / 8));  // k in the low mantissa bits
  const __m512d scale =
      _mm512_castsi512_pd(_mm512_maskz_permutexvar_epi64(0xFF, _mm512_castpd_si512(k), table));
  __m512d p = _mm512_set1_pd(1.5253528985683798e-05);
  p = _mm512_fmadd_pd(p, r, _mm512_set1_pd(1.5404562882891175e-04));
  p = _mm512_fmadd_pd(p, r, _mm512_set1_pd(1.3333558127014689e-03));
  p = _mm512_fmadd_pd(p, r, _mm512_set1_pd(9.6181290824209903e-03));
  p = _mm512_fmadd_pd(p, r, _mm512_set1_pd(5.5504108664823097e-02));
  p = _mm512_fmadd_pd(p, r, _mm512_set1_pd(2.4022650695912041e-01));
  p = _mm512_fmadd_pd(p, r, _mm512_set1_pd(6.9314718055994531e-01));
  p = _mm512_fmadd_pd(_mm512_mul_pd(p, r), scale, scale);
  return reinterpret_cast<Pack<double>>(_mm512_maskz_scalef_pd(0xFF, p, _mm512_sub_pd(x, r)));
#else
  // degree 11, minimax on [-1/2, 1/2]
  using Integers = detail::PackOf<double>::integers;
  const Pack<double> magic = broadcast(6755399441055744.0);
  t = min(max(t, broadcast(-1021.0)), broadcast(1023.0));
  const Pack<double> z = t + magic;
  const Pack<double> r = t - (z - magic);
  Pack<double> p = broadcast(4.4558179083360645e-10);
  for (const double c :
       {7.0741942972885210e-09, 1.0178057087733941e-07, 1.3215432535912376e-06, 1.5252733841556773e-05,
        1.5403530463724354e-04, 1.3333558146406471e-03, 9.6181291075872567e-03, 5.5504108664821627e-02,
        2.4022650695910160e-01, 6.9314718055994531e-01, 1.0})
    p = p * r + c;
  return reinterpret_cast<Pack<double>>(reinterpret_cast<Integers>(p) +
                                        (reinterpret_cast<Integers>(z) << 52));
#endif
}

}  // namespace fortet::kernel
