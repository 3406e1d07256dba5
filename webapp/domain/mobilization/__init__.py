"""Reserve force and mobilization 储备库 · 召集: who can be called, the call-up in waves, the muster, the drill."""
