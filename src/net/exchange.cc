#include "net/exchange.h"

#include <chrono>

#include "base/result.h"

namespace sluice::net {
namespace {

thread_local const ServerExchange* handling = nullptr;

// What a handler holds. Its end without close() is an abort: a worker that gave up must not look like a whole result.
class StreamHandle final : public Stream {
 public:
  explicit StreamHandle(std::shared_ptr<ServerExchange> exchange) : exchange_(std::move(exchange)) {}
  ~StreamHandle() override { exchange_->close(false); }
  StreamHandle(const StreamHandle&) = delete;
  StreamHandle& operator=(const StreamHandle&) = delete;

  bool write(std::string bytes) override { return exchange_->write(std::move(bytes)); }
  bool write_within(std::string bytes, DurationMs timeout) override { return exchange_->write_within(std::move(bytes), timeout); }
  void close() override { exchange_->close(true); }
  void abort() override { exchange_->close(false); }
  bool open() const override { return exchange_->open(); }
  size_t buffered_bytes() const override { return exchange_->buffered_bytes(); }

 private:
  const std::shared_ptr<ServerExchange> exchange_;
};

}  // namespace

void Mailbox::put(std::shared_ptr<ServerExchange> exchange) {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  waiting_.push_back(std::move(exchange));
  if (waiting_.size() == 1) notify_();
}

std::vector<std::shared_ptr<ServerExchange>> Mailbox::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(waiting_, {});
}

void Mailbox::close() {
  std::vector<std::shared_ptr<ServerExchange>> dropped;  // ends outside the lock
  const std::lock_guard lock(mutex_);
  closed_ = true;
  notify_ = nullptr;
  dropped.swap(waiting_);
}

ServerExchange::Handling::Handling(const ServerExchange* exchange) { handling = exchange; }
ServerExchange::Handling::~Handling() { handling = nullptr; }

ServerExchange::ServerExchange(std::shared_ptr<Mailbox> mailbox, std::weak_ptr<Connection> connection, bool is_head)
    : mailbox_(std::move(mailbox)), connection_(std::move(connection)), is_head_(is_head) {}

void ServerExchange::wake() {
  if (handling == this) return;
  if (!in_mailbox_.exchange(true)) mailbox_->put(shared_from_this());
}

void ServerExchange::send(Response response) {
  {
    const std::lock_guard lock(mutex_);
    SLUICE_ASSERT(!std::exchange(answered_, true), "an exchange has one reply");
    reply_ = Reply{std::move(response), false};
    closed_ = true;
  }
  wake();
}

std::shared_ptr<Stream> ServerExchange::start(Response head, size_t buffered_max) {
  {
    const std::lock_guard lock(mutex_);
    SLUICE_ASSERT(!std::exchange(answered_, true), "an exchange has one reply");
    buffered_max_ = buffered_max;
    output_ = std::move(head.body);
    head.body.clear();
    buffered_ = output_.size();
    closed_ = is_head_;
    reply_ = Reply{std::move(head), true};
  }
  wake();
  return std::make_shared<StreamHandle>(shared_from_this());
}

bool ServerExchange::write(std::string bytes) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_ || !alive() || !has_room(bytes.size())) return false;
    buffered_ += bytes.size();
    if (output_.empty()) {
      output_ = std::move(bytes);
    } else {
      output_ += bytes;
    }
  }
  wake();
  return true;
}

bool ServerExchange::write_within(std::string bytes, DurationMs timeout) {
  {
    std::unique_lock lock(mutex_);
    room_.wait_for(lock, timeout, [&] { return closed_ || !alive() || bytes.size() > buffered_max_ || has_room(bytes.size()); });
  }
  return write(std::move(bytes));  // one writer per stream, so the room is still there
}

void ServerExchange::close(bool whole) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    closed_ = true;
    aborted_ = !whole;
    room_.notify_all();
  }
  wake();
}

bool ServerExchange::open() const {
  const std::lock_guard lock(mutex_);
  return !closed_ && alive();
}

size_t ServerExchange::buffered_bytes() const {
  const std::lock_guard lock(mutex_);
  return buffered_;
}

std::optional<ServerExchange::Reply> ServerExchange::take_reply() {
  const std::lock_guard lock(mutex_);
  return std::exchange(reply_, std::nullopt);
}

ServerExchange::Output ServerExchange::take_output() {
  const std::lock_guard lock(mutex_);
  return Output{std::exchange(output_, {}), closed_, aborted_};
}

void ServerExchange::written(size_t bytes) {
  const std::lock_guard lock(mutex_);
  buffered_ -= bytes;
  room_.notify_all();
}

void ServerExchange::client_left() {
  const std::lock_guard lock(mutex_);
  alive_.store(false, std::memory_order_relaxed);
  room_.notify_all();
}

void ServerExchange::look_again() { wake(); }

}  // namespace sluice::net
