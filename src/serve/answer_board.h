// answer_board.h - stat, table, top and funnel panels: pictures of one window's answer.
//
// Promise Between two answers only states change, by the watermark. A table is patched row by row; what fits on a hand is sent whole.
#pragma once

#include "serve/panel_board.h"

namespace sluice::serve {

class AnswerBoard final : public PanelBoard {
 public:
  explicit AnswerBoard(const PanelEntry& entry) : entry_(entry), answer_(std::make_shared<const OverAnswer>()) {}

  void clear() override;
  void install(const PanelAnswer& answer) override;
  void advance(TimeMs watermark) override { watermark_ = watermark; }
  std::string data() const override;
  std::optional<PanelChange> take_change() override;
  std::vector<ShownPoint> points() const override;

 private:
  const PanelEntry& entry_;
  std::shared_ptr<const OverAnswer> answer_;
  AsOf as_of_;
  TimeMs watermark_ = kMinusInfinity;
  std::string sent_;  // of all but tables
  ShownTable table_;  // as last sent
};

// The values of a `top` panel, most first: of a dimension by a number, or those that a topk counted. Groups without the number are
// left out; they have nothing to be ranked by.
struct TopRow {
  plan::Group key;
  std::string value;
};
std::vector<TopRow> top_rows(const PanelEntry& entry, const OverAnswer& answer);
std::string top_data(const PanelEntry& entry, const OverAnswer& answer, TimeMs watermark);

}  // namespace sluice::serve
