package dev.millrace.reconcile.trespass;

import dev.millrace.migration.trespass.Entrance;

/// Breaks a wall on purpose: the rule must report it.
public final class ReconcileUsesMigration {

    Entrance entrance() {
        return new Entrance();
    }
}
