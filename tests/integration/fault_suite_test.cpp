#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <ostream>
#include <random>
#include <thread>

#include "support/agent.hpp"
#include "support/intake.hpp"
#include "support/oracle.hpp"
#include "support/redis_server.hpp"
#include "support/wait.hpp"

namespace chouette::test {
namespace {

using namespace std::chrono_literals;

/// How an intake misbehaves for a while.
struct Fault {
  /// Its answers to the first requests, of metrics and logs alike.
  std::vector<Behaviour> script = {};
  /// Its answers to requests beyond those, while the fault lasts.
  Intake::Judge judge = {};
  bool refuses_connections = false;
  /// The fault lasts so long, and until the script is used up.
  std::chrono::milliseconds duration = 0ms;
  /// It takes in what it does not confirm.
  bool loses_answers = false;
};

struct Scenario {
  std::string name;
  Fault fault;
  /// At least so many requests must have had another answer than 2xx; else nothing was tested.
  std::size_t failures = 1;
  /// At least so many records must end in the rejected queues.
  std::size_t rejected = 0;
};

void PrintTo(const Scenario& scenario, std::ostream* out) {
  *out << scenario.name;
}

std::vector<Behaviour> times(std::size_t count, const Behaviour& behaviour) {
  return std::vector<Behaviour>(count, behaviour);
}

bool contains(const IntakeRequest& request, const std::string& part) {
  return request.payload.dump().find(part) != std::string::npos;
}

Behaviour refuse_by_name(const IntakeRequest& request) {
  return contains(request, "refuse_me") ? answer(400, R"({"errors":["Bad Request"]})")
                                        : answer_ok();
}

Behaviour refuse_large(const IntakeRequest& request) {
  return request.sent_bytes > 1500 ? answer(413) : answer_ok();
}

/// Six requests that are not taken in, for one reason or another.
std::vector<Behaviour> failures_of(unsigned seed) {
  const std::vector<Behaviour> kinds{answer(500),    answer(429, {}, {{"Retry-After", "1"}}),
                                     answer(403),    answer_as_broken_proxy(),
                                     close_unread(), reset_inside(),
                                     stall()};
  std::mt19937 random(seed);
  std::vector<Behaviour> script;
  for (int i = 0; i < 6; ++i) {
    script.push_back(kinds[random() % kinds.size()]);
  }
  return script;
}

/// Refuses some for what they are, and of the others loses about every third answer. Not at random,
/// but by what it is, a record is refused: nothing is taken in first and refused afterwards.
Intake::Judge unreliable(unsigned seed) {
  const auto random = std::make_shared<std::mt19937>(seed);
  const auto mutex = std::make_shared<std::mutex>();
  return [random, mutex](const IntakeRequest& request) {
    for (const auto& refusal : {refuse_by_name(request), refuse_large(request)}) {
      if (refusal.fixed) {
        return refusal;
      }
    }
    const std::vector<Behaviour> kinds{
        lose_answer(),       answer_slowly(200ms), answer_late(1500ms), answer_late(300ms),
        answer_slowly(10ms), answer_ok(),          answer_ok(),         answer_ok(),
        answer_ok(),         answer_ok()};
    const std::lock_guard lock(*mutex);
    return kinds[(*random)() % kinds.size()];
  };
}

Fault mixed(unsigned seed) {
  return {.script = failures_of(seed),
          .judge = unreliable(seed),
          .duration = 8s,
          .loses_answers = true};
}

// A row more is a scenario more. Retries back off, up to 2, 4, 8 s after the first failures in a
// row: two or three of them for each sender are enough.
const std::vector<Scenario> scenarios{
    {"None", {.duration = 2s}, 0},
    {"RefusesConnections", {.refuses_connections = true, .duration = 3s}, 0},
    {"Stalls", {.script = times(3, stall())}, 0},
    {"ResetsInsideTheBody", {.script = times(4, reset_inside())}, 0},
    {"ClosesUnread", {.script = times(4, close_unread())}, 0},
    {"LosesAnswers", {.script = times(4, lose_answer()), .loses_answers = true}},
    {"NeverAnswers", {.script = times(3, never_answer()), .loses_answers = true}},
    {"LosesEverySecondAnswer",
     {.script = {lose_answer(), answer_ok(), answer_ok(), lose_answer(), answer_ok(), lose_answer(),
                 answer_ok(), answer_ok()},
      .loses_answers = true}},
    {"AnswersLate", {.script = times(4, answer_late(500ms))}, 0},
    {"AnswersTooLate", {.script = times(3, answer_late(1500ms)), .loses_answers = true}, 0},
    {"AnswersByteByByte", {.script = times(4, answer_slowly(20ms))}, 0},
    {"AnswersTooSlowly", {.script = times(3, answer_slowly(200ms)), .loses_answers = true}, 0},
    {"RefusesNames", {.judge = refuse_by_name, .duration = 4s}, 1, 3},
    {"RefusesAll", {.judge = [](const auto&) { return answer(400); }, .duration = 3s}, 10, 10},
    {"LimitsSize", {.judge = refuse_large, .duration = 4s}, 1, 2},
    {"RefusesAllSizes", {.judge = [](const auto&) { return answer(413); }, .duration = 3s}, 10, 10},
    {"RefusesTheKey", {.script = times(6, answer(403))}, 6},
    {"DoesNotKnowTheKey", {.script = times(6, answer(401))}, 6},
    {"LimitsTheRate", {.script = times(3, answer(429, {}, {{"Retry-After", "2"}}))}, 3},
    {"LimitsTheRateAsDatadog",
     {.script = times(3, answer(429, {}, {{"X-RateLimit-Reset", "2"}}))},
     3},
    {"AsksForPatienceWithGarbage",
     {.script = times(3, answer(503, {}, {{"Retry-After", "soon, -1, 1e999"}}))},
     3},
    {"Fails", {.script = times(4, answer(500))}, 4},
    {"IsNotThere", {.script = times(4, answer(404))}, 4},
    {"IsElsewhere", {.script = times(4, answer(301, {}, {{"Location", "/api/v1/validate"}}))}, 4},
    {"IsBehindABrokenProxy", {.script = times(4, answer_as_broken_proxy())}, 4},
    {"TimesOut", {.script = times(4, answer(408))}, 4},
    {"RefusesNamesBetweenFailures",
     {.script = {answer(500), answer_ok(), answer(503)}, .judge = refuse_by_name, .duration = 4s},
     3},
    {"RefusesNamesAndLosesAnswers",
     {.script = {answer_ok()},
      .judge =
          [n = std::make_shared<std::atomic<int>>(0)](const IntakeRequest& request) {
            const auto refused = refuse_by_name(request);
            return refused.fixed || ++*n % 3 != 0 ? refused : lose_answer();
          },
      .duration = 4s,
      .loses_answers = true},
     2,
     2},
    {"Mixture1", mixed(1)},
    {"Mixture2", mixed(2)},
    {"Mixture3", mixed(3)},
    {"Mixture4", mixed(4)},
};

class FaultSuite : public ::testing::TestWithParam<Scenario> {};

TEST_P(FaultSuite, EveryRecordIsAccountedFor) {
  const auto& [name, fault, failures, rejected] = GetParam();
  RedisServer server;
  Intake intake;
  auto redis = server.client();
  Oracle oracle;
  if (fault.loses_answers) {
    oracle.answers_may_be_lost();
  }
  intake.script(fault.script);
  intake.set_judge(fault.judge);
  if (fault.refuses_connections) {
    intake.set_down();
  }

  AgentProcess agent(server, intake,
                     {{"HISTOGRAM_AGGREGATES", "count,sum,max"}, {"HISTOGRAM_PERCENTILES", "[]"}});
  Workload workload(server.client(), oracle, 20261123);
  const auto begin = std::chrono::steady_clock::now();
  const auto elapsed = [&] { return std::chrono::steady_clock::now() - begin; };
  while (elapsed() < 2s || elapsed() < fault.duration || intake.scripted() > 0) {
    ASSERT_LT(elapsed(), 60s) << intake.scripted() << " requests did not come";
    workload.write_all(unix_now());
    std::this_thread::sleep_for(50ms);
  }
  intake.set_judge({});
  intake.set_up();
  workload.write_all(unix_now());

  const auto wrong = [&] { return oracle.discrepancies(intake, redis); };
  eventually([&] { return wrong().empty(); }, 60s);
  EXPECT_EQ(agent.stop().exit, (ExitStatus{0, 0}));
  EXPECT_EQ(wrong(), Discrepancies{});

  const auto requests = intake.requests();
  const auto failed = std::count_if(
      requests.begin(), requests.end(),
      [](const IntakeRequest& request) { return request.status < 200 || request.status >= 300; });
  EXPECT_GE(static_cast<std::size_t>(failed), failures);
  EXPECT_GE(redis.size(rejected_metrics) + redis.size(rejected_logs), rejected);
  EXPECT_EQ(agent.malformed_log_lines(), std::vector<std::string>{});
  EXPECT_EQ(agent.err(), "");
}

INSTANTIATE_TEST_SUITE_P(AnIntakeThat, FaultSuite, ::testing::ValuesIn(scenarios),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace chouette::test
