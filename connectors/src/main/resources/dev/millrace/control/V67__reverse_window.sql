-- The moment until which the way back of a switchover is meant to be kept. Written when the switchover is done. Nothing
-- is dropped at this moment.
ALTER TABLE operation ADD COLUMN reverse_window_ends_at timestamptz;
