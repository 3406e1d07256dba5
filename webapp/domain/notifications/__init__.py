"""Notifications 通知: by which channels people are reached, what waits in their inbox, what they replied."""
