// The budget of file descriptors: clients get what upstreams and the reserve leave.
#include "daemon/descriptors.h"

#include <gtest/gtest.h>

namespace linegate::daemon {
namespace {

TEST(Descriptors, AreEnoughUnderAHighLimit) {
  EXPECT_EQ(connections_within(20'000, 10'000, 64), 10'000u);
}

TEST(Descriptors, LowerTheConnectionsUnderALowLimit) {
  EXPECT_EQ(connections_within(1024, 10'000, 64), 896u);
}

TEST(Descriptors, LeaveNothingWhereUpstreamsTakeAll) {
  EXPECT_EQ(connections_within(128, 10'000, 64), 0u);
  EXPECT_EQ(connections_within(100, 10, 64), 0u);
}

TEST(Descriptors, FitIntoThisProcess) {
  EXPECT_EQ(fit_connections(10, 10), 10u);
}

}  // namespace
}  // namespace linegate::daemon
