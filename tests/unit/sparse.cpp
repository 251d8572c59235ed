// Block-sparse sweeps: which tiles are left out, what that may change, and that it stays true while the
// potentials move; against every entry written out.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "fortet/coupling/discrete_coupling.hpp"
#include "fortet/impl/stored_kernel.hpp"
#include "fortet/solver/sinkhorn.hpp"
#include "kernel/space_order.hpp"
#include "kernel/stored.hpp"
#include "support/problems.hpp"

using namespace fortet;
using impl::Side;

namespace {

using Kernel = std::shared_ptr<const impl::HalfBridgeKernel<DefaultExec>>;
using Vec = Vector<double>;

/// A kernel with a small epsilon whose atoms come in space order, and its potentials near the fixed point.
struct SmallEpsilon {
  Kernel kernel;
  std::size_t n, m;
  double epsilon;
  Vec f{"f", n}, g{"g", m};

  SmallEpsilon(std::size_t rows, std::size_t columns, std::size_t d, double relative,
               std::size_t zero_every = 0)
      : n(rows), m(columns) {
    const DefaultExec exec;
    const auto source = support::to_cloud<double>(support::random_cloud(n, d, 3, 0, 1, zero_every)),
               target = support::to_cloud<double>(support::random_cloud(m, d, 4, 0.3, 1, zero_every));
    epsilon = relative * impl::make_kernel(exec, source, target, brownian_with_epsilon(1.0))->mean_cost(exec);
    Vector<int> source_order, target_order;
    kernel = impl::make_kernel(exec, source, target, brownian_with_epsilon(epsilon))
                 ->in_space_order(exec, source_order, target_order);
    Kokkos::deep_copy(g, 0.0);
    for (int k = 0; k < 30; ++k) {  // plain iterations
      kernel->soft_min(exec, Side::source, g, f);
      kernel->soft_min(exec, Side::target, f, g);
    }
  }
  Kernel stored(double tolerance) const {
    return impl::make_stored<DefaultExec>(DefaultExec(), kernel, tolerance, f, g, true, nullptr);
  }
};

bool is_sparse(const Kernel& kernel) {
  return kernel->description().find("% of the tiles") != std::string::npos;
}

/// Both ratios of a sweep by `tested` and by recomputation: apart from rounding, rows differ by at most
/// `negligible`, and columns by that and by what the rows made of it.
void check_sweep(const SmallEpsilon& p, const Kernel& tested, const Vec& f, const Vec& g, double omega,
                 double negligible, double rounding) {
  const DefaultExec exec;
  Vec rows("rows", p.n), columns("columns", p.m), true_rows("rows", p.n), true_columns("columns", p.m);
  tested->sweep(exec, f, g, omega, rows, columns);
  p.kernel->sweep(exec, f, g, omega, true_rows, true_columns);
  double worst_row = 0, worst_column = 0, smallest = 1;
  for (std::size_t i = 0; i < p.n; ++i) {
    worst_row = std::max(worst_row, std::abs(rows(i) - true_rows(i)) - rounding * true_rows(i));
    smallest = std::min(smallest, true_rows(i));
  }
  const double of_rows = omega * (rounding + negligible / smallest);
  for (std::size_t j = 0; j < p.m; ++j)
    worst_column = std::max(worst_column,
                            std::abs(columns(j) - true_columns(j)) - (rounding + of_rows) * true_columns(j));
  BOOST_TEST(worst_row <= negligible);
  BOOST_TEST(worst_column <= negligible);
}

}  // namespace

BOOST_AUTO_TEST_CASE(neighbours_in_the_order_are_neighbours_in_space) {
  const auto cloud = support::random_cloud(4001, 2, 1);
  std::vector<double> points(cloud.points.size());
  for (std::size_t i = 0; i < cloud.n; ++i)
    for (std::size_t k = 0; k < 2; ++k) points[k * cloud.n + i] = cloud.points[i * 2 + k];
  const std::vector<int> order = kernel::space_order(points.data(), cloud.n, 2);
  std::vector<int> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < cloud.n; ++i) BOOST_TEST(sorted[i] == static_cast<int>(i));
  for (const std::size_t run : {8u, 32u, 64u}) {
    double area = 0;
    for (std::size_t first = 0; first + run <= cloud.n; first += run) {
      double side[2];
      for (std::size_t k = 0; k < 2; ++k) {
        double low = INFINITY, high = -INFINITY;
        for (std::size_t i = first; i < first + run; ++i) {
          const double value = points[k * cloud.n + static_cast<std::size_t>(order[i])];
          low = std::min(low, value);
          high = std::max(high, value);
        }
        side[k] = high - low;
      }
      area += side[0] * side[1];
    }
    // disjoint boxes inside the square that holds the cloud, about 8 x 8; in random order each is about 6
    BOOST_TEST(area <= 64);
  }
  BOOST_TEST(kernel::space_order(points.data(), 0, 2).empty());
}

BOOST_AUTO_TEST_CASE(tiles_left_out_are_below_the_bound) {
  const DefaultExec exec;
  for (const std::size_t d : {1u, 2u, 3u}) {
    const SmallEpsilon p(597, 1043, d, 3e-3, 7);
    const auto* writer = dynamic_cast<const kernel::BlockWriter<DefaultExec>*>(p.kernel.get());
    const auto* atoms = dynamic_cast<const impl::GibbsKernel<DefaultExec>*>(p.kernel.get());
    BOOST_REQUIRE(writer != nullptr);
    const kernel::BlockShape shape = writer->block_shape();
    Kokkos::View<double**, Kokkos::LayoutRight> t("t", p.n, p.m);
    atoms->log_densities(exec, 0, p.f, p.g, t);
    const double least = -25;
    const kernel::PanelLists lists = writer->active_panels(exec, p.f, p.g, least);
    BOOST_REQUIRE(lists.first.size() == shape.groups() + 1);
    BOOST_TEST(lists.panels.size() < shape.groups() * shape.panel_count * 3 / 4);
    double largest = -INFINITY;
    for (std::size_t group = 0; group < shape.groups(); ++group) {
      std::vector<bool> kept(shape.panel_count);
      for (std::size_t k = lists.first[group]; k < lists.first[group + 1]; ++k) kept[lists.panels[k]] = true;
      for (std::size_t i = group * shape.group; i < std::min(p.n, (group + 1) * shape.group); ++i)
        for (std::size_t j = 0; j < p.m; ++j)
          if (!kept[j / shape.panel]) largest = std::max(largest, t(i, j));
    }
    BOOST_TEST(largest < least + 1e-9);
  }
}

// Marginals of sparse sweeps at the potentials where the lists were made, after moves that keep them, moves
// that do not, and where the step inside the sweep is too large for them. Rounding: entries, factors and sums
// of a thousand of them in half, float or double. Moves make densities above 2^28, too large for half
// precision.
BOOST_AUTO_TEST_CASE(sparse_sweeps_keep_their_promise) {
  for (const std::size_t d : {1u, 2u, 3u})
    for (const double tolerance : {1.0, 5e-5, 1e-6, 1e-9}) {
      BOOST_TEST_CONTEXT("d=" << d << " tolerance=" << tolerance) {
        const SmallEpsilon p(1597, 2043, d, 2e-3, 11);
        const Kernel stored = p.stored(tolerance);
        const bool in_half = tolerance == 1.0;
        const double rounding = in_half ? 5e-4 : tolerance > 5e-7 ? 2e-6 : 1e-12;
        check_sweep(p, stored, p.f, p.g, 1.0, tolerance / 100, rounding);
        BOOST_TEST(is_sparse(stored));
        const auto moved = [&](double by_rows, double by_columns, std::size_t every) {
          SmallEpsilon other = p;
          other.f = Vec("f", p.n);
          other.g = Vec("g", p.m);
          for (std::size_t i = 0; i < p.n; ++i)
            other.f(i) = p.f(i) + (i % every == 0 ? by_rows * p.epsilon : 0);
          for (std::size_t j = 0; j < p.m; ++j)
            other.g(j) = p.g(j) + (every == 1 || j >= p.m / 2 ? by_columns * p.epsilon : 0);
          return other;
        };
        for (const auto& [rows, columns, every] :
             {std::tuple{3.9, 3.9, 1u}, {-3.9, -3.9, 1u}, {15.0, 15.0, 20u}}) {
          if (in_half && rows > 4) continue;
          const SmallEpsilon other = moved(rows, columns, every);
          check_sweep(p, stored, other.f, other.g, 1.0, tolerance / 100, rounding);
        }
        // a few rows so low that their step is large: recomputed, so nothing is left out
        const SmallEpsilon low = moved(-25, 0, 400);
        check_sweep(p, low.stored(tolerance), low.f, low.g, 1.9, 0, rounding);
      }
    }
}

// More than a million pairs: the first levels run on merged atoms. The answer is that of a solve that sees
// the atoms alone, recomputes every entry and does not anneal. Bound: both are within 1e-10 of the marginals,
// and potentials of a plan with that error differ by at most about 1e-10 / (1 - rate) epsilon, the rate being
// 0.99.
BOOST_AUTO_TEST_CASE(merged_atoms_lead_to_the_same_answer) {
  const DefaultExec exec;
  for (const std::size_t d : {1u, 3u}) {
    BOOST_TEST_CONTEXT("d=" << d) {
      const auto x = support::to_cloud<double>(support::random_cloud(1201, d, 3, 0, 1, 9)),
                 y = support::to_cloud<double>(support::random_cloud(1043, d, 4, 0.3, 1.2, 2));
      const double scale = impl::make_kernel(exec, x, y, brownian_with_epsilon(1.0))->mean_cost(exec);
      const Problem problem{x, y, brownian_with_epsilon(0.02 * scale)};
      SinkhornOptions plain{
          .tolerance = 1e-10, .anderson = false, .newton = false, .entries = KernelEntries::recomputed};
      plain.annealing.enabled = false;
      const auto expected = Sinkhorn<double>(plain).solve(exec, problem),
                 solved = Sinkhorn<double>({.tolerance = 1e-10, .check_every = 1}).solve(exec, problem);
      BOOST_TEST(expected.report.converged());
      BOOST_TEST(solved.report.converged());
      // levels down to about the spacing of the merged atoms were not run on the atoms
      const auto& history = solved.report.history;
      const auto on_atoms = std::find_if(history.begin(), history.end(), [](const HistoryEntry& entry) {
        return entry.method != "merged atoms";
      });
      BOOST_TEST((on_atoms != history.begin() && on_atoms != history.end()));
      BOOST_TEST(on_atoms->epsilon < 0.5 * scale);
      // a few go into each change from half precision to double
      BOOST_TEST(solved.report.iterations < expected.report.iterations + 10);
      const auto f = solved.coupling.source_potential(), g = solved.coupling.target_potential(),
                 true_f = expected.coupling.source_potential(), true_g = expected.coupling.target_potential();
      double worst = 0;
      for (std::size_t i = 0; i < f.extent(0); ++i) worst = std::max(worst, std::abs(f(i) - true_f(i)));
      for (std::size_t j = 0; j < g.extent(0); ++j) worst = std::max(worst, std::abs(g(j) - true_g(j)));
      BOOST_TEST(worst <= 1e-7 * scale);
      BOOST_TEST(std::abs(*solved.report.dual_value - *expected.report.dual_value) <= 1e-9 * scale);
    }
  }
}
