// Link and List: order, leaving, moving, and destruction from either side.
#include "base/link.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace linegate {
namespace {

struct Item : Link {
  explicit Item(int n) : number(n) {}
  int number;
};

std::vector<int> numbers(List<Item>& list) {
  std::vector<int> all;
  list.for_each([&](Item& item) { all.push_back(item.number); });
  return all;
}

TEST(List, KeepsTheOrderOfArrival) {
  Item a(1), b(2), c(3);
  List<Item> list;
  EXPECT_TRUE(list.empty());
  list.push_back(a);
  list.push_back(b);
  list.push_back(c);
  EXPECT_EQ(numbers(list), (std::vector{1, 2, 3}));
  EXPECT_EQ(list.pop_front().number, 1);
  EXPECT_FALSE(a.linked());
  EXPECT_EQ(list.front().number, 2);
}

TEST(List, PushingAgainMovesToTheEnd) {
  Item a(1), b(2);
  List<Item> list;
  list.push_back(a);
  list.push_back(b);
  list.push_back(a);
  EXPECT_EQ(numbers(list), (std::vector{2, 1}));
  list.push_back(a);
  EXPECT_EQ(numbers(list), (std::vector{2, 1}));
}

TEST(List, PushingTakesTheElementOutOfItsOldList) {
  Item a(1);
  List<Item> from, to;
  from.push_back(a);
  to.push_back(a);
  EXPECT_TRUE(from.empty());
  EXPECT_EQ(numbers(to), std::vector{1});
}

TEST(List, AnElementThatIsDestroyedLeaves) {
  List<Item> list;
  Item a(1), c(3);
  list.push_back(a);
  {
    Item b(2);
    list.push_back(b);
    list.push_back(c);
  }
  EXPECT_EQ(numbers(list), (std::vector{1, 3}));
}

TEST(List, AListThatIsDestroyedLetsItsElementsGo) {
  Item a(1);
  {
    List<Item> list;
    list.push_back(a);
    EXPECT_TRUE(a.linked());
  }
  EXPECT_FALSE(a.linked());
}

TEST(List, TakeMovesEverythingBehindWhatIsThere) {
  Item a(1), b(2), c(3);
  List<Item> list, other;
  list.push_back(a);
  other.push_back(b);
  other.push_back(c);
  list.take(other);
  EXPECT_TRUE(other.empty());
  EXPECT_EQ(numbers(list), (std::vector{1, 2, 3}));
  list.take(other);
  EXPECT_EQ(numbers(list), (std::vector{1, 2, 3}));
}

TEST(List, TakingIntoAnEmptyListLeavesBothUsable) {
  Item a(1), b(2);
  List<Item> list, other;
  other.push_back(a);
  list.take(other);
  other.push_back(b);
  EXPECT_EQ(numbers(list), std::vector{1});
  EXPECT_EQ(numbers(other), std::vector{2});
}

TEST(List, TheVisitedElementMayLeaveOrDie) {
  auto a = std::make_unique<Item>(1);
  auto b = std::make_unique<Item>(2);
  Item c(3);
  List<Item> list;
  list.push_back(*a);
  list.push_back(*b);
  list.push_back(c);
  list.for_each([&](Item& item) {
    if (&item == a.get()) {
      a.reset();
    } else if (&item == b.get()) {
      item.unlink();
    }
  });
  EXPECT_EQ(numbers(list), std::vector{3});
}

TEST(Link, UnlinkingTwiceIsHarmless) {
  Item a(1);
  List<Item> list;
  list.push_back(a);
  a.unlink();
  a.unlink();
  EXPECT_FALSE(a.linked());
  EXPECT_TRUE(list.empty());
}

}  // namespace
}  // namespace linegate
