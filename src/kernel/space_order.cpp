#include "kernel/space_order.hpp"

#include <algorithm>
#include <numeric>

namespace fortet::kernel {
namespace {

template <class Real>
class Tree {
 public:
  Tree(const Real* points, std::size_t n, int dimension) : points_(points), n_(n), dimension_(dimension) {}

  void sort(int* begin, int* end) const {
    const auto count = static_cast<std::size_t>(end - begin);
    if (count <= 8) return;
    // cut where a whole number of panels (or, inside of one, of groups) ends, whatever their size up to 64
    const std::size_t unit = count > 64 ? 64 : 8;
    int* const middle = begin + (count / 2 + unit - 1) / unit * unit;
    if (middle >= end) return;
    const Real* const values = points_ + widest(begin, end) * n_;
    std::nth_element(begin, middle, end, [values](int i, int j) {
      return values[i] < values[j] || (values[i] == values[j] && i < j);  // one answer for equal values too
    });
    sort(begin, middle);
    sort(middle, end);
  }

 private:
  std::size_t widest(const int* begin, const int* end) const {
    std::size_t best = 0;
    Real width = 0;
    for (std::size_t k = 0; k < static_cast<std::size_t>(dimension_); ++k) {
      const Real* const values = points_ + k * n_;
      const auto [low, high] =
          std::minmax_element(begin, end, [values](int i, int j) { return values[i] < values[j]; });
      if (values[*high] - values[*low] > width) {
        width = values[*high] - values[*low];
        best = k;
      }
    }
    return best;
  }

  const Real* points_;
  std::size_t n_;
  int dimension_;
};

}  // namespace

template <class Real>
std::vector<int> space_order(const Real* points, std::size_t n, int dimension) {
  std::vector<int> order(n);
  std::iota(order.begin(), order.end(), 0);
  Tree(points, n, dimension).sort(order.data(), order.data() + n);
  return order;
}

template std::vector<int> space_order(const float*, std::size_t, int);
template std::vector<int> space_order(const double*, std::size_t, int);

}  // namespace fortet::kernel
