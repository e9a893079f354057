// result.h - expected failures as values; bugs as aborts.
//
// Promise Result<T> holds a T or an Error, never both. It is [[nodiscard]] as a type, so a dropped failure is a compiler error.
// Errors  Code says what the *caller* can do; `message` says what happened, where, and what to do next, for a person.
// Threads Values; no shared state.
// Why     std::expected of g++ 12 is not [[nodiscard]] and invisible to clang; names follow it so that a later swap is mechanical.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace sluice {

enum class Code {
  invalid,  // the input is wrong; repeating it will not help
  not_found,  // the named thing does not exist
  full,  // a bound is reached; slow down or retry later
  io,  // the operating system refused; the object is usually poisoned afterwards
  corrupt,  // stored bytes are not what was written
  unavailable,  // the other side does not answer now; retrying is right
  closed,  // shut down by us; stop
  conflict,  // someone else holds it, or it is not the one we know
  unknown,  // the effect may or may not have happened (a lost reply); ask before repeating
};

const char* code_name(Code code);

struct Error {
  Code code = Code::invalid;
  std::string message;

  // Adds one layer of context in front: "opening log: permission denied".
  Error in(std::string_view context) && {
    message.insert(0, ": ").insert(0, context);
    return std::move(*this);
  }
};

struct Unit {};

template <class T>
class [[nodiscard]] Result {
 public:
  using Value = T;
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit by design
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit by design
  explicit operator bool() const { return state_.index() == 0; }
  bool has_value() const { return state_.index() == 0; }
  T& value() & { return *checked(); }
  const T& value() const& { return *const_cast<Result*>(this)->checked(); }
  T&& value() && { return std::move(*checked()); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return checked(); }
  const T* operator->() const { return const_cast<Result*>(this)->checked(); }
  Error& error() & { return std::get<1>(state_); }
  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  T* checked() {
    if (state_.index() != 0) std::abort();  // reading the value of a failed Result is a bug
    return &std::get<0>(state_);
  }
  std::variant<T, Error> state_;
};

using Status = Result<Unit>;
inline Status ok() { return Unit{}; }
inline Error fail(Code code, std::string message) { return Error{code, std::move(message)}; }

[[noreturn]] void assertion_failed(const char* condition, const char* file, int line, const char* note);

}  // namespace sluice

// On in release: a broken invariant ends the process (recovery is a restart); `note` is a string literal.
#define SLUICE_ASSERT(condition, note) \
  ((condition) ? static_cast<void>(0) : ::sluice::assertion_failed(#condition, __FILE__, __LINE__, note))

// Yields the value, or returns the Error from the enclosing function. The value is moved out, never a reference.
#define SLUICE_TRY(expression)                                           \
  __extension__({                                                        \
    auto sluice_try_result = (expression);                               \
    if (!sluice_try_result) return std::move(sluice_try_result).error(); \
    std::move(sluice_try_result).value();                                \
  })
// The same for a Status whose value nobody wants.
#define SLUICE_CHECK(expression)                                         \
  do {                                                                   \
    auto sluice_try_result = (expression);                               \
    if (!sluice_try_result) return std::move(sluice_try_result).error(); \
  } while (false)
