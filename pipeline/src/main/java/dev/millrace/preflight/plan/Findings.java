package dev.millrace.preflight.plan;

import java.util.ArrayList;
import java.util.List;

/// Collects the findings of one check: refusals and warnings, or else one line that all is well.
/// Not thread-safe.
public final class Findings {

    private final CheckName check;
    private final List<Finding> found = new ArrayList<>();

    public Findings(CheckName check) {
        this.check = check;
    }

    /// What was found and what is required, for programs.
    public record Measured(String value, String limit) {}

    public void refuse(String object, String message, Remedy remedy) {
        found.add(Finding.refused(check, object, message, remedy));
    }

    public void refuse(String object, Measured measured, String message, Remedy remedy) {
        found.add(Finding.refused(check, object, message, remedy).with(measured));
    }

    /// Reports what passes, with something that may be done about it.
    public void note(String object, String message, Remedy remedy) {
        found.add(Finding.note(check, object, message, remedy));
    }

    public void misconfigured(String object, String message, Remedy remedy) {
        found.add(Finding.misconfigured(check, object, message, remedy));
    }

    public void misconfigured(String object, Measured measured, String message, Remedy remedy) {
        found.add(Finding.misconfigured(check, object, message, remedy).with(measured));
    }

    public void warn(String object, String message, Remedy remedy) {
        found.add(Finding.warning(check, object, message, remedy));
    }

    public void warn(String object, Measured measured, String message, Remedy remedy) {
        found.add(Finding.warning(check, object, message, remedy).with(measured));
    }

    public List<Finding> orOk(String object, String message) {
        return found.isEmpty() ? List.of(Finding.ok(check, object, message)) : List.copyOf(found);
    }

    public List<Finding> orOk(String object, Measured measured, String message) {
        return found.isEmpty()
                ? List.of(Finding.ok(check, object, message).with(measured))
                : List.copyOf(found);
    }
}
