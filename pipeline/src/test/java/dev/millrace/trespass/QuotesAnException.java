package dev.millrace.trespass;

/// Breaks a wall on purpose: the rule must report it.
final class QuotesAnException {

    String shown(RuntimeException failure) {
        return "it failed: " + failure.getMessage();
    }
}
