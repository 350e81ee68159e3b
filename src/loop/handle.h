// Handle<T>: the owner of an object that embeds a libuv handle. libuv frees such memory only after
// uv_close()'s callback, so this is the only way to delete one.
#pragma once

#include <uv.h>

#include <memory>

namespace linegate {

// T has `uv_handle_t* uv_handle()`, whose `data` is the T*.
template <typename T>
struct CloseHandle {
  void operator()(T* object) const {
    object->closing();  // drop what must not outlive the owner; no callback but the close may come after this
    uv_close(object->uv_handle(), [](uv_handle_t* handle) { delete static_cast<T*>(handle->data); });
  }
};

template <typename T>
using Handle = std::unique_ptr<T, CloseHandle<T>>;

}  // namespace linegate
