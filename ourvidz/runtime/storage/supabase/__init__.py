"""Supabase's storage: with the service key, or by signed URLs and without it."""
