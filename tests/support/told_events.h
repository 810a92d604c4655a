// What an engine told its owner, oldest first, and questions about it. Views in there are worth nothing any more.
#pragma once

#include <algorithm>
#include <vector>

#include "ssh/engine.h"

namespace sekisho::support {

struct ToldEvents {
    std::vector<ssh::Event> told;

    template <class E>
    const E* last() const {
        for (auto it = told.rbegin(); it != told.rend(); ++it) {
            if (const E* event = std::get_if<E>(&*it)) return event;
        }
        return nullptr;
    }
    template <class E>
    std::size_t count() const {
        return static_cast<std::size_t>(
            std::ranges::count_if(told, [](const ssh::Event& e) { return std::holds_alternative<E>(e); }));
    }
};

}  // namespace sekisho::support
