// random_metric.h - a metrics file with one random metric, as an author could write it: every window, measure and operator, under names
// that a query could trip over.
#pragma once

#include <string>

#include "hostile.h"

namespace sluice::agreement {

std::string random_metric(Random& random);

}  // namespace sluice::agreement
