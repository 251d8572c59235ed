#pragma once
// The one random generator: counter-based Philox 4x32-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random
// numbers: as easy as 1, 2, 3"). A draw is a function of (seed, stream, index, slot) alone, so the numbers do
// not depend on the backend, the thread count or the chunking.
#include <Kokkos_Core.hpp>
#include <cstdint>

namespace fortet {

/// Names an independent stream of random numbers.
struct RandomKey {
  std::uint64_t seed = 0;
  std::uint64_t stream = 0;

  /// A stream of its own for part `i` of a computation that owns this key.
  KOKKOS_FUNCTION constexpr RandomKey child(std::uint64_t i) const {
    // splitmix64 finaliser: distinct (stream, i) give streams that do not collide in practice
    std::uint64_t z = stream * 0x9e3779b97f4a7c15ull + i + 1;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return {seed, z ^ (z >> 31)};
  }
};

struct PhiloxBlock {
  std::uint32_t word[4];
};

/// Ten rounds of Philox 4x32 on `counter` under `key`.
KOKKOS_INLINE_FUNCTION PhiloxBlock philox4x32(PhiloxBlock counter, std::uint32_t key0, std::uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53u} * counter.word[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57u} * counter.word[2];
    counter = {{static_cast<std::uint32_t>(b >> 32) ^ counter.word[1] ^ key0, static_cast<std::uint32_t>(b),
                static_cast<std::uint32_t>(a >> 32) ^ counter.word[3] ^ key1, static_cast<std::uint32_t>(a)}};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return counter;
}

/// Two independent 64-bit words for (key, index, slot).
KOKKOS_INLINE_FUNCTION void random_bits(RandomKey key, std::uint64_t index, std::uint32_t slot,
                                        std::uint64_t& a, std::uint64_t& b) {
  // the stream is folded into the key so that all of (seed, stream, 64-bit index, 32-bit slot) matter
  const std::uint64_t mixed = key.seed ^ (key.stream * 0xd6e8feb86659fd93ull);
  const PhiloxBlock out =
      philox4x32({{static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32), slot,
                   static_cast<std::uint32_t>(key.stream ^ (key.stream >> 32))}},
                 static_cast<std::uint32_t>(mixed), static_cast<std::uint32_t>(mixed >> 32));
  a = (std::uint64_t{out.word[0]} << 32) | out.word[1];
  b = (std::uint64_t{out.word[2]} << 32) | out.word[3];
}

/// Uniform on the open interval (0, 1), 53 bits.
KOKKOS_INLINE_FUNCTION double random_uniform(RandomKey key, std::uint64_t index, std::uint32_t slot) {
  std::uint64_t a, b;
  random_bits(key, index, slot, a, b);
  return (static_cast<double>(a >> 11) + 0.5) * 0x1p-53;
}

struct NormalPair {
  double first, second;
};

/// Two independent standard normals from one Philox block (Box-Muller): slots 2 `pair` and 2 `pair` + 1.
KOKKOS_INLINE_FUNCTION NormalPair random_normal_pair(RandomKey key, std::uint64_t index, std::uint32_t pair) {
  std::uint64_t a, b;
  random_bits(key, index, pair, a, b);
  const double radius = Kokkos::sqrt(-2.0 * Kokkos::log((static_cast<double>(a >> 11) + 0.5) * 0x1p-53));
  const double angle = 6.283185307179586476925 * (static_cast<double>(b >> 11) + 0.5) * 0x1p-53;
  return {radius * Kokkos::cos(angle), radius * Kokkos::sin(angle)};
}

/// Standard normal; where several slots of an index are needed, random_normal_pair is half the work.
KOKKOS_INLINE_FUNCTION double random_normal(RandomKey key, std::uint64_t index, std::uint32_t slot) {
  const NormalPair pair = random_normal_pair(key, index, slot >> 1);
  return (slot & 1u) ? pair.second : pair.first;
}

/// Element i < n of a random permutation of 0 ... n-1 that is a function of the key alone: a balanced Feistel
/// network of six rounds of child()'s hash on the smallest power of four that holds n (at least 256), walked
/// until it lands below n (in the mean at most four times for n > 64; Black and Rogaway 2002). No memory.
KOKKOS_INLINE_FUNCTION std::uint64_t random_permutation(RandomKey key, std::uint64_t i, std::uint64_t n) {
  int half = 4;  // bits of one of the two halves; with fewer, six rounds are not random enough
  while (half < 32 && (std::uint64_t{1} << (2 * half)) < n) ++half;
  const std::uint64_t mask = (std::uint64_t{1} << half) - 1;
  const RandomKey mixed{key.seed, key.stream ^ (key.seed * 0xd6e8feb86659fd93ull)};
  do {
    std::uint64_t left = i >> half, right = i & mask;
    for (std::uint64_t round = 0; round < 6; ++round) {
      const std::uint64_t next = left ^ (mixed.child(right | (round << 40)).stream & mask);
      left = right;
      right = next;
    }
    i = (left << half) | right;
  } while (i >= n);
  return i;
}

}  // namespace fortet
