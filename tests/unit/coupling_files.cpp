#include <boost/test/unit_test.hpp>

#include "fortet/io/coupling.hpp"
#include "support/files.hpp"

using namespace fortet;
using test::contains, test::message, test::TemporaryFolder;

namespace {

template <class Real>
PointCloud<Real> line(const std::vector<Real>& points, const std::vector<Real>& weights = {}) {
  const ConstPoints<Real> atoms = points_from_host<Real>(std::span<const Real>(points), points.size(), 1);
  if (weights.empty()) return PointCloud<Real>(atoms);
  return {atoms, vector_from_host<Real>(std::span<const Real>(weights))};
}

// Any numbers will do as potentials: what is tested is that they come back.
template <class Real, class Ref>
DiscreteCoupling<Real, DefaultExec, Ref> coupling(const Ref& reference) {
  const std::vector<double> f{0.1, 1.0 / 3, -1e-3}, g{2.0 / 3, 5e7};
  return {DefaultExec(),
          line<Real>({0, 1, Real(0.1)}),
          line<Real>({3, 4}, {1, 3}),
          reference,
          vector_from_host<double>(std::span<const double>(f)),
          vector_from_host<double>(std::span<const double>(g))};
}

template <class Real, class Ref>
void round_trip(const Ref& reference) {
  const TemporaryFolder folder;
  const auto saved = coupling<Real>(reference);
  write_coupling(folder / "deep/er", saved);
  const auto loaded = read_coupling<Real, Ref>(DefaultExec(), folder / "deep/er");
  BOOST_TEST(to_host(loaded.source_potential()) == to_host(saved.source_potential()));
  BOOST_TEST(to_host(loaded.target_potential()) == to_host(saved.target_potential()));
  BOOST_TEST(to_host(loaded.source().points()) == to_host(saved.source().points()));
  BOOST_TEST(to_host(loaded.source().log_weights()) == to_host(saved.source().log_weights()));
  const auto before = to_host(saved.target().log_weights()), after = to_host(loaded.target().log_weights());
  // exp and log of a weight near one: a unit or two in the last place of the precision it is kept in
  for (std::size_t j = 0; j < before.size(); ++j)
    BOOST_TEST(std::abs(before[j] - after[j]) <=
               4 * static_cast<double>(std::numeric_limits<Real>::epsilon()));
  BOOST_TEST(std::abs(loaded.target().mass() - 4) < 1e-6);
  BOOST_TEST(loaded.epsilon() == saved.epsilon());
  const double epsilon = visit_coupling(DefaultExec(), folder / "deep/er", [](const auto& any) {
    using Any = std::remove_cvref_t<decltype(any)>;
    BOOST_TEST((std::is_same_v<typename Any::scalar_type, Real>));
    return any.epsilon();
  });
  BOOST_TEST(epsilon == saved.epsilon());
}

}  // namespace

BOOST_AUTO_TEST_CASE(couplings_come_back) {
  round_trip<double>(Brownian{.sigma = 0.3, .horizon = 2});
  round_trip<float>(Brownian{.sigma = 0.3, .horizon = 2});
  round_trip<double>(OrnsteinUhlenbeck{.rate = 0.7, .mean = {0.1}, .sigma = 0.3, .horizon = 2});
}

BOOST_AUTO_TEST_CASE(what_is_not_a_coupling) {
  const TemporaryFolder folder;
  const DefaultExec exec;
  const auto read = [&] { read_coupling<double, Brownian>(exec, folder.path()); };
  BOOST_TEST(contains(message<BackendError>(read), "coupling.json: No such file"));
  write_coupling(folder.path(), coupling<double>(OrnsteinUhlenbeck{}));
  BOOST_TEST(contains(message<InvalidArgument>(read), "another reference"));
  write_coupling(folder.path(), coupling<float>(Brownian{}));
  BOOST_TEST(contains(message<InvalidArgument>(read), "precision float"));
  write_coupling(folder.path(), coupling<double>(Brownian{}));
  write_npy(folder / "source_potential.npy", Array{{2}, std::vector<double>{0, 0}});
  BOOST_TEST(message<InvalidArgument>(read) != "nothing was thrown");
  folder.file("coupling.json", "{\"format\": \"something else\"}");
  BOOST_TEST(contains(message<InvalidArgument>(read), "coupling.json: format: expected"));
  folder.file("coupling.json", R"({"format": "fortet coupling", "version": 1, "precision": "double",
    "reference": {"type": "linear_sde", "drift": [[-1]], "noise": [[1]]}})");
  BOOST_TEST(contains(message<InvalidArgument>([&] {
                        visit_coupling(exec, folder.path(), [](const auto& any) { return any.epsilon(); });
                      }),
                      "another reference"));
}
