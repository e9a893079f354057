#include "store/child.h"

#include <fmt/format.h>

#include "store/errors.h"
#include "store/sql_text.h"

namespace sluice::store {

namespace {

constexpr DurationMs kWatchPause{250};
constexpr std::chrono::hours kIdlePause{1};  // a queue wakes its workers by itself; this only bounds one wait

std::string trimmed(std::string_view text) {
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  return std::string(text);
}

// The id in KILL QUERY WHERE query_id = '...' [ASYNC], the one form that is taken. nullopt: another statement.
std::optional<Result<std::string>> killed_id(std::string_view sql) {
  const Result<Statement> statement = split_statement(sql);
  if (!statement || statement->tokens.empty() || !is_word(statement->tokens.front(), "KILL")) return std::nullopt;
  const std::vector<Token>& tokens = statement->tokens;
  constexpr std::array<std::string_view, 4> kWords = {"KILL", "QUERY", "WHERE", "QUERY_ID"};
  bool fits = tokens.size() == 6 || (tokens.size() == 7 && is_word(tokens[6], "ASYNC"));
  for (size_t i = 0; fits && i < kWords.size(); ++i) fits = is_word(tokens[i], kWords[i]);
  fits = fits && is_symbol(tokens[4], '=') && tokens[5].kind == TokenKind::string &&
         tokens[5].text.find('\\') == std::string_view::npos;
  if (!fits) return exception(kBadArguments, "Only KILL QUERY WHERE query_id = '...' [ASYNC] is taken");
  return std::string(tokens[5].text.substr(1, tokens[5].text.size() - 2));
}

}  // namespace

Result<std::unique_ptr<Child>> Child::start(const Engine& engine, os::Ports ports, const ReaderLimits& limits) {
  Connection keep = SLUICE_TRY(engine.connect({}));
  FunctionNames names = SLUICE_TRY(FunctionNames::load(keep));
  Identity identity;
  identity.version = trimmed(SLUICE_TRY(keep.query("SELECT version()", "TSVRaw")).bytes());
  identity.timezone = trimmed(SLUICE_TRY(keep.query("SELECT timezone()", "TSVRaw")).bytes());
  // The reader's database must exist before its first session; the pipeline makes the tables.
  SLUICE_CHECK(keep.query(fmt::format("CREATE DATABASE IF NOT EXISTS {}", kReaderDatabase), "Null"));
  return std::unique_ptr<Child>(new Child(engine, ports, limits, std::move(keep), std::move(names), std::move(identity)));
}

Child::Child(const Engine& engine, os::Ports ports, const ReaderLimits& limits, Connection keep, FunctionNames names,
             Identity identity)
    : engine_(engine),
      ports_(ports),
      limits_(limits),
      names_(std::move(names)),
      identity_(std::move(identity)),
      id_prefix_(ports.entropy.hex(8)),
      lanes_{Queue({kLaneItemsMax[0], kLaneBytesMax}), Queue({kLaneItemsMax[1], kLaneBytesMax}),
             Queue({kLaneItemsMax[2], kLaneBytesMax})},
      keep_(std::move(keep)) {}

std::string Child::fresh_id() { return fmt::format("{}-{}", id_prefix_, next_id_.fetch_add(1)); }

void Child::refuse(net::Responder& responder, std::string_view query_id, const Error& error) const {
  responder.send(exception_response(identity_, query_id, error));
}

void Child::handle(net::Request http, net::Responder responder) {
  const std::string id = fresh_id();
  Result<StoreRequest> read = read_request(std::move(http), id);
  if (!read) return refuse(responder, id, read.error());
  StoreRequest& request = *read;
  if (request.is_ping) {
    net::Response pong;
    pong.headers.emplace_back("Content-Type", "text/html; charset=UTF-8");
    pong.body = "Ok.\n";
    return responder.send(std::move(pong));
  }
  if (request.is_head) {
    // Without Content-Length: a client that asked for the length (DuckDB) then reads once instead of asking for ranges of differing results.
    const std::string format = request.default_format.empty() ? "TabSeparated" : request.default_format;
    responder.start(success_head(identity_, request.query_id, format), kSlowClientBytes)->close();
    return;
  }
  if (request.role == Role::writer && !request.is_insert) {
    // Not through a lane: it must be heard while all of its threads are busy.
    if (const std::optional<Result<std::string>> killed = killed_id(request.sql)) {
      if (!*killed) return refuse(responder, request.query_id, killed->error());
      running_.ask_to_end(killed->value());
      return responder.send(success_head(identity_, request.query_id, "TabSeparated"));
    }
  }
  const Lane lane = request.role == Role::reader ? Lane::readers : request.is_insert ? Lane::inserts : Lane::writers;
  const size_t bytes = request.sql.size() + request.rows.size();
  auto job = std::make_unique<Job>(Job{std::move(request), std::move(responder)});
  if (std::optional<std::unique_ptr<Job>> back = lanes_[static_cast<size_t>(lane)].try_push(std::move(job), bytes)) {
    refuse((*back)->responder, (*back)->request.query_id,
           stopping_ ? exception(kNetworkError, "The store is stopping; try again in a moment")
                     : exception(kTooManyQueries, "Too many statements wait already; try again in a second"));
  }
}

void Child::run(Lane lane) {
  Queue& queue = lanes_[static_cast<size_t>(lane)];
  while (true) {
    std::optional<std::unique_ptr<Job>> job = queue.pop_for(kIdlePause);
    if (job) {
      if ((*job)->responder.alive()) execute(**job);  // whoever left before its turn gets no work done
    } else if (queue.closed()) {
      return;
    }
  }
}

void Child::watch() {
  while (!stopping_) {
    running_.wait(kWatchPause);
    for (const std::string& mark : running_.gone()) {
      // ASYNC: the synchronous form never returned (facts/exactly-once.md 21). Repeated until the statement is gone: it may not have begun.
      const Result<Reply> killed =
          keep_.query(fmt::format("KILL QUERY WHERE Settings['log_comment'] = {} ASYNC", quote_string(mark)), "Null");
      static_cast<void>(killed.has_value());  // nothing to do about it: the next turn tries again
    }
  }
}

void Child::stop() {
  stopping_ = true;
  for (Queue& queue : lanes_) queue.close();
  running_.end_all();
  running_.wake();
}

}  // namespace sluice::store
