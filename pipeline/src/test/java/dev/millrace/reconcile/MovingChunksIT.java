package dev.millrace.reconcile;

/// As [MovingTablesIT], with tables that are compared in chunks by several threads.
class MovingChunksIT extends MovingTablesIT {

    MovingChunksIT() {
        scene.analyze();
        scene.limits = UsersScene.inChunks(40, 1_000);
    }
}
