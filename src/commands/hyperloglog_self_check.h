// PFSELFTEST: whether registers keep their neighbours and estimates stay within their error, on this machine.
#pragma once

#include "base/status.h"

namespace kvick {

// "TESTFAILED ..." says what went wrong. Takes some tens of milliseconds.
Status CheckHyperLogLog();

}  // namespace kvick
