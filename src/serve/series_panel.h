// series_panel.h - time series and band panels: a SeriesBoard filled from a view, the feed or a computed answer.
//
// Keys    Of a time series the values of `by`; of a band the measure's name, in the order of `measures`.
// Threads As panel_board.h.
#pragma once

#include "serve/panel_board.h"
#include "serve/series_board.h"

namespace sluice::serve {

class SeriesPanel final : public PanelBoard {
 public:
  SeriesPanel(const PanelEntry& entry, size_t points_max);

  void clear() override { board_.clear(); }
  void install(const PanelAnswer& answer) override;
  void apply(const ViewChange& change) override;
  void slide(plan::Span over) override { board_.set_over(over); }
  void advance(TimeMs watermark) override { board_.advance(watermark); }
  std::string data() const override { return board_.data(); }
  std::optional<PanelChange> take_change() override;
  std::vector<ShownPoint> points() const override;
  std::optional<TimeMs> start() const override { return board_.start(); }

 private:
  plan::Group key_of(const plan::Group& kept, uint32_t measure) const;

  const PanelEntry& entry_;
  const bool band_;
  SeriesBoard board_;
};

}  // namespace sluice::serve
