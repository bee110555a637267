"""Scenes that ship with Ensemble: `ensemble rehearse storm.yaml` finds them from any folder."""
