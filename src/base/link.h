// Intrusive doubly linked list: an element is in at most one list and leaves it when it is destroyed.
#pragma once

namespace linegate {

// A place in a List. Not copyable: its neighbours point to it.
class Link {
 public:
  Link() = default;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link() { unlink(); }

  bool linked() const { return next_ != this; }

  void unlink() {
    prev_->next_ = next_;
    next_->prev_ = prev_;
    prev_ = next_ = this;
  }

 private:
  template <typename T>
  friend class List;

  void insert_before(Link& place) {
    prev_ = place.prev_;
    next_ = &place;
    prev_->next_ = this;
    place.prev_ = this;
  }

  Link* prev_ = this;
  Link* next_ = this;
};

// A list of T, which derives from Link. It owns nothing; a list that dies lets its elements go.
template <typename T>
class List {
 public:
  List() = default;
  List(const List&) = delete;
  List& operator=(const List&) = delete;
  ~List() {
    while (!empty()) head_.next_->unlink();
  }

  bool empty() const { return !head_.linked(); }
  T& front() { return static_cast<T&>(*head_.next_); }
  T& back() { return static_cast<T&>(*head_.prev_); }

  // Appends `element`, taking it out of the list that it is in.
  void push_back(T& element) {
    Link& link = element;
    link.unlink();
    link.insert_before(head_);
  }

  T& pop_front() {
    T& first = front();
    static_cast<Link&>(first).unlink();
    return first;
  }

  // Moves everything of `other` to the end of this list, in one step.
  void take(List& other) {
    if (other.empty()) return;
    Link& first = *other.head_.next_;
    Link& last = *other.head_.prev_;
    other.head_.prev_ = other.head_.next_ = &other.head_;
    first.prev_ = head_.prev_;
    head_.prev_->next_ = &first;
    last.next_ = &head_;
    head_.prev_ = &last;
  }

  // Calls `visit(T&)` for each element; the visited element may leave the list, its neighbours may not.
  template <typename Visit>
  void for_each(Visit visit) {
    for (Link* link = head_.next_; link != &head_;) {
      Link* next = link->next_;
      visit(static_cast<T&>(*link));
      link = next;
    }
  }

 private:
  Link head_;
};

}  // namespace linegate
