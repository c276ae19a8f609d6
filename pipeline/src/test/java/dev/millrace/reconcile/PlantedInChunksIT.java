package dev.millrace.reconcile;

/// As [ReconcilerIT], with tables that are compared in chunks.
class PlantedInChunksIT extends ReconcilerIT {

    PlantedInChunksIT() {
        scene.analyze();
        scene.limits = UsersScene.inChunks(40, 10_000);
    }
}
