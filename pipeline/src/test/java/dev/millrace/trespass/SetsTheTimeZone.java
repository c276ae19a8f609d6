package dev.millrace.trespass;

import java.util.TimeZone;

/// Breaks a wall on purpose: the rule must report it.
final class SetsTheTimeZone {

    void set() {
        TimeZone.setDefault(TimeZone.getTimeZone("UTC"));
    }
}
