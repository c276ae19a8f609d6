package dev.millrace.preflight;

import java.util.ArrayList;
import java.util.List;

/// One check of the collected facts. Pure: queries no server, changes nothing, and throws nothing
/// because of the facts. Returns at least one finding, so that a report shows what was checked.
interface PreflightCheck {

    List<Finding> judge(Facts facts);

    /// Collects the findings of one check: refusals and warnings, or else one line that all is
    /// well. Not thread-safe.
    static final class Findings {

        private final String check;
        private final List<Finding> found = new ArrayList<>();

        Findings(String check) {
            this.check = check;
        }

        void refuse(String object, String message, String remedy) {
            found.add(Finding.refused(check, object, message, remedy));
        }

        void misconfigured(String object, String message, String remedy) {
            found.add(Finding.misconfigured(check, object, message, remedy));
        }

        void warn(String object, String message, String remedy) {
            found.add(Finding.warning(check, object, message, remedy));
        }

        List<Finding> orOk(String object, String message) {
            return found.isEmpty()
                    ? List.of(Finding.ok(check, object, message))
                    : List.copyOf(found);
        }
    }
}
