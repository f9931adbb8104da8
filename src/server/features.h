// The list of all features: what a kvick-server, or a program that embeds the engine, is made of.
#pragma once

#include "engine/engine.h"

namespace kvick {

// Adds the commands of every family and the sections of INFO. Before any executor is made.
void RegisterFeatures(Engine& engine);

}  // namespace kvick
