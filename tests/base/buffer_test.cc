// Buffer: bytes in, bytes out, also against a plain string as the model.
#include "base/buffer.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace linegate {
namespace {

TEST(Buffer, ANewOneIsEmptyAndHoldsNoMemory) {
  Buffer buffer;
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.view(), "");
  EXPECT_EQ(buffer.capacity(), 0u);
  buffer.append("");
  EXPECT_EQ(buffer.capacity(), 0u);
}

TEST(Buffer, GivesBackWhatWasPutIn) {
  Buffer buffer;
  buffer.append("hello ");
  buffer.append("world");
  buffer.push_back('!');
  EXPECT_EQ(buffer.view(), "hello world!");
  buffer.consume(6);
  EXPECT_EQ(buffer.view(), "world!");
  EXPECT_EQ(buffer.size(), 6u);
}

TEST(Buffer, OnlyWhatIsCommittedCounts) {
  Buffer buffer;
  char* room = buffer.reserve(100);
  room[0] = 'a';
  room[1] = 'b';
  EXPECT_TRUE(buffer.empty());
  buffer.commit(1);
  EXPECT_EQ(buffer.view(), "a");
}

TEST(Buffer, ReservingKeepsWhatIsHeld) {
  Buffer buffer;
  buffer.append("abc");
  buffer.reserve(100'000);
  EXPECT_EQ(buffer.view(), "abc");
}

TEST(Buffer, MovesInsteadOfGrowingWhenTheFrontIsFree) {
  Buffer buffer;
  buffer.append(std::string(200, 'x'));
  std::size_t capacity = buffer.capacity();
  buffer.consume(150);
  buffer.append(std::string(capacity - 50, 'y'));
  EXPECT_EQ(buffer.capacity(), capacity);
  EXPECT_EQ(buffer.view(), std::string(50, 'x') + std::string(capacity - 50, 'y'));
}

TEST(Buffer, DoesNotGrowWhileItIsFilledAndEmptied) {
  Buffer buffer;
  buffer.append(std::string(100, 'x'));
  std::size_t capacity = buffer.capacity();
  for (int i = 0; i < 1000; ++i) {
    buffer.consume(buffer.size());
    buffer.append(std::string(100, 'x'));
  }
  EXPECT_EQ(buffer.capacity(), capacity);
}

TEST(Buffer, ReleaseGivesTheMemoryBack) {
  Buffer buffer;
  buffer.append("abc");
  buffer.release();
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.capacity(), 0u);
  buffer.append("d");
  EXPECT_EQ(buffer.view(), "d");
}

TEST(Buffer, MovingLeavesAnEmptyOneBehind) {
  Buffer from;
  from.append("abc");
  Buffer to(std::move(from));
  EXPECT_EQ(to.view(), "abc");
  EXPECT_TRUE(from.empty());
  from.append("new");
  to = std::move(from);
  EXPECT_EQ(to.view(), "new");
  EXPECT_TRUE(from.empty());
}

TEST(Buffer, AgreesWithAStringUnderRandomUse) {
  std::mt19937 random(7);
  Buffer buffer;
  std::string model;
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes(random() % 300, static_cast<char>('a' + i % 26));
    if (random() % 2 != 0) {
      buffer.append(bytes);
      model += bytes;
    } else {
      std::size_t n = model.empty() ? 0 : random() % (model.size() + 1);
      buffer.consume(n);
      model.erase(0, n);
    }
    if (random() % 500 == 0) {
      buffer.release();
      model.clear();
    }
    ASSERT_EQ(buffer.view(), model);
  }
}

}  // namespace
}  // namespace linegate
