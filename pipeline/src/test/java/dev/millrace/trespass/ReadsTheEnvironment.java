package dev.millrace.trespass;

import org.jspecify.annotations.Nullable;

/// Breaks a wall on purpose: the rule must report it.
final class ReadsTheEnvironment {

    @Nullable String token() {
        return System.getenv("MILLRACE_TOKEN");
    }
}
