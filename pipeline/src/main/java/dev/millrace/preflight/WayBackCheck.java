package dev.millrace.preflight;

import dev.millrace.mapping.WayBack;
import java.util.List;

/// Says for each source table whether the changes of the target come back to it after a switchover.
/// Only warns: a migration may run without a switchover, and the gate of the same name refuses one
/// that could not be taken back.
final class WayBackCheck {

    private WayBackCheck() {}

    /// @param ways empty if the file has problems, so that nothing is known
    static List<Finding> judge(List<WayBack> ways) {
        if (ways.isEmpty()) {
            return List.of();
        }
        Findings findings = new Findings("switchover.way-back");
        for (WayBack way : ways) {
            switch (way) {
                case WayBack.Whole _ -> {}
                case WayBack.Partial(var source, String reason, String remedy) ->
                        findings.warn(source.toString(), "way back: partial: " + reason, remedy);
            }
        }
        return findings.orOk(
                "source tables", "way back: whole: the changes of the target come back to each");
    }
}
